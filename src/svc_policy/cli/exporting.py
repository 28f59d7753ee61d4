"""Write out what others read: schemas, packs as workbooks or folders, policies as SQL."""

from __future__ import annotations

from pathlib import Path

import click

from svc_policy.cli.framework import Choice, argument, command, option, pack_argument, refuse
from svc_policy.cli.session import session_of
from svc_policy.messages import message

SCHEMAS = ("ticket", "decision", "finding", "check", "diff", "record")
DIALECTS = ("duckdb", "postgres")


@command(
    "schema",
    message("Print the JSON Schema of a ticket, a decision or a finding."),
    examples=("svc-policy schema ticket", "svc-policy schema decision > decision.schema.json"),
)
@argument("name", type=Choice(*SCHEMAS), words=message("what the schema is of"))
@click.pass_context
def schema(context: click.Context, name: str) -> None:
    """Print a schema."""
    from importlib import resources

    path = resources.files("svc_policy") / "schemas" / f"{name}.schema.json"
    session_of(context).write(path.read_text(encoding="utf-8").rstrip("\n"))


@command(
    "export",
    message("Write a pack as a workbook with every cell a text, or as a folder; loaded again it decides the same."),
    examples=("svc-policy export mall --xlsx mall.xlsx", "svc-policy export mall.xlsx --folder my-shop"),
)
@pack_argument
@option("--xlsx", "workbook", metavar="FILE", words=message("the workbook to write; one that is there is replaced"))
@option("--folder", metavar="DIR", words=message("the folder to make; one that is there must be empty"))
@click.pass_context
def export(context: click.Context, pack: str, workbook: str | None, folder: str | None) -> None:
    """Export a pack."""
    if (workbook is None) == (folder is None):
        refuse("export-which", message("give `--xlsx FILE` or `--folder DIR`"))
    from svc_policy.pack.export import export_folder, export_workbook
    from svc_policy.pack.load import load_pack

    session = session_of(context)
    loaded = load_pack(pack)
    if workbook is not None:
        if Path(workbook).suffix.lower() != ".xlsx":
            refuse(
                "export-suffix",
                message("`{file}` is no name of a workbook", file=workbook),
                message("a workbook ends in `.xlsx`"),
            )
        export_workbook(loaded, Path(workbook))
    if folder is not None:
        export_folder(loaded, Path(folder))
    session.write(message("wrote `{pack}` to {path}", pack=loaded.id, path=workbook or folder))


@command(
    "compile",
    message("Print a policy as a script of SQL: views for DuckDB, a schema that decides for PostgreSQL."),
    examples=(
        "svc-policy compile mall --to duckdb > mall.sql",
        "svc-policy compile mall --to postgres | psql -v ON_ERROR_STOP=1 -q shop",
    ),
)
@pack_argument
@option("--to", "dialect", required=True, type=Choice(*DIALECTS), words=message("the database"))
@click.pass_context
def compile_policy(context: click.Context, pack: str, dialect: str) -> None:
    """Compile a policy to SQL."""
    from svc_policy import load

    session_of(context).write(load(pack).sql(dialect).rstrip("\n"))
