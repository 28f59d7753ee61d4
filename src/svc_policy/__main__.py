"""Run the command line: ``python -m svc_policy``."""

from svc_policy.cli import main

if __name__ == "__main__":
    main()
