"""The façade over the modules."""

import subprocess
import sys

import pytest

from svc_policy import facts


@pytest.mark.parametrize("name", facts.__all__)
def test_every_name_is_there(name):
    assert getattr(facts, name).__name__ == name if name != "BUILT_IN" else facts.BUILT_IN
    assert name in dir(facts)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="tickets"):
        _ = facts.tickets


def test_the_facade_imports_nothing_by_itself():
    code = "import sys, svc_policy.facts; print([m for m in sys.modules if m.startswith('svc_policy.facts.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
