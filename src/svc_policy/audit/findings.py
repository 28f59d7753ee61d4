"""Find where what was done or written down disagrees with the policy: SQL over the decisions, in bulk.

No rule is decided here. Every finding reads columns that the engine computed:
statuses, due instants, row numbers and masks, which name the rules.
"""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from svc_policy.audit.codes import CODES
from svc_policy.audit.late import Lateness
from svc_policy.audit.rules import NEEDS, RULES, make_rule_tables, target_label
from svc_policy.audit.words import duration_sql, literal, money_sql, text_sql
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import LANGUAGES, Language
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    import duckdb

    from svc_policy.policy import Policy

FINDINGS = "findings"
#: The columns of a finding and their types, in order.
COLUMNS: Mapping[str, str] = {
    "code": "VARCHAR",
    "severity": "VARCHAR",
    "ticket_id": "VARCHAR",
    "line": "BIGINT",
    "target": "VARCHAR",
    "subject": "VARCHAR",
    "rule": "VARCHAR",
    "clauses": "VARCHAR",
    "interpretations": "VARCHAR",
    "amount_minor": "BIGINT",
    "amount_most_minor": "BIGINT",
    "currency": "VARCHAR",
    "late_s": "BIGINT",
    "clock": "VARCHAR",
    "text": "VARCHAR",
    "text_zh": "VARCHAR",
}
_BASE = "decisions AS d JOIN ticket_lines AS l USING (ticket_id) JOIN tickets AS t USING (ticket_id)"
_OF_RULE = {"rule": "r.rule", "clauses": "r.clauses", "interpretations": "r.interpretations"}


def make_findings(connection: duckdb.DuckDBPyConnection, policy: Policy, at_s: int, *, with_texts: bool = True) -> None:
    """Make the table `findings`, in the order of the log, from the tables of decisions.

    Without texts only the findings of which a reason for a rejection is made have one.
    """
    make_rule_tables(connection, policy)
    finder = _Finder(connection, policy, at_s, with_texts)
    listed = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE found ({listed})")
    for query in finder.queries():
        connection.execute(f"INSERT INTO found {query}")
    connection.execute(
        f"CREATE OR REPLACE TABLE {FINDINGS} AS SELECT * FROM found "
        "ORDER BY line, ticket_id, code, target, subject, rule, text"
    )
    connection.execute("DROP TABLE found")


class _Finder:
    """Writes the query of every kind of finding that the policy's columns allow."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, policy: Policy, at_s: int, with_texts: bool = True
    ) -> None:
        self.policy = policy
        self.with_texts = with_texts
        self.at_s = at_s
        self.currency = policy.pack.settings.currency
        self.digits = minor_digits(self.currency) or 0
        self.lateness = Lateness(connection, policy)
        self.there = {
            table: {str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()}
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            if table in ("decisions", "incident_decisions", "override_decisions")
        }

    def has(self, *names: str, table: str = "decisions") -> bool:
        return set(names) <= self.there.get(table, set())

    def queries(self) -> Iterator[str]:
        """Yield the queries; each has the columns of a finding."""
        for target in self.policy.target_names():
            yield from self.targets(target)
        yield from self.records()
        yield from self.penalties()
        yield from self.lists()
        yield from self.confirmations()
        yield from self.overrides()
        yield self.calendar()

    # --- the parts of a query

    def finding(
        self,
        code: str,
        forms: Mapping[str, str],
        words: Mapping[str, str | tuple[str, str]],
        source: str,
        *,
        where: str,
        qualify: str = "",
        usable: bool = True,
        columns: Mapping[str, str] | None = None,
    ) -> str:
        """Write one query: `forms` gives for each form of the text the condition under which it is used.

        `words` are the SQL of the placeholders, in both languages where they differ.
        """
        made = dict.fromkeys(COLUMNS, "NULL") | {
            "code": literal(code),
            "severity": literal(CODES[code].severity),
            "ticket_id": "d.ticket_id",
            "line": "l.line",
        }
        made |= columns or {}
        if made["amount_minor"] != "NULL":
            made["currency"] = literal(self.currency)
        for index, (language, name) in enumerate(zip(LANGUAGES, ("text", "text_zh"), strict=True)):
            if not self.with_texts and code != "CAL001":
                continue
            values = {key: word if isinstance(word, str) else word[index] for key, word in words.items()}
            cases = " ".join(
                f"WHEN {test} THEN {text_sql(CODES[code].texts[form], language, values)}"
                for form, test in forms.items()
            )
            made[name] = f"CASE {cases} END"
        listed = ", ".join(f"CAST({value} AS {COLUMNS[name]}) AS {name}" for name, value in made.items())
        condition = f"NOT d.calendar_error AND ({where})" if usable else where
        return f"SELECT {listed} FROM {source} WHERE {condition} {qualify}"

    def money(self, minor: str) -> str:
        return money_sql(minor, self.currency, self.digits)

    @staticmethod
    def duration(seconds: str, is_working: str = "false") -> tuple[str, str]:
        return (duration_sql(seconds, is_working, "en"), duration_sql(seconds, is_working, "zh"))

    @staticmethod
    def by_number(table: str, number: str, alias: str = "r") -> str:
        return f"LEFT JOIN {RULES} AS {alias} ON {alias}.tbl = {literal(table)} AND {alias}.number = {number}"

    @staticmethod
    def by_mask(table: str, mask: str) -> str:
        return f"JOIN {RULES} AS r ON r.tbl = {literal(table)} AND ({mask} >> (r.number - 1)) & 1 = 1"

    # --- targets

    def targets(self, target: str) -> Iterator[str]:
        """Find targets met late, and those missed and open."""
        if not self.has(f"{target}_status", f"{target}_due", f"{target}_row"):
            return
        done = f"t.{MILESTONES[target]}_s" if MILESTONES[target].endswith("_at") else "CAST(NULL AS BIGINT)"
        label = target_label(self.policy, target)
        for code, status, until in (
            ("SLA001", "late", done),
            ("SLA002", "breached", f"least(coalesce(t.closed_at_s, {self.at_s}), {self.at_s})"),
        ):
            late = self.lateness.between(target, f"d.{target}_due", until)
            # The seconds stand in texts several times over: they are computed once, inside.
            source = (
                f"(SELECT d.ticket_id, d.calendar_error, l.line, r.rule, r.clauses, r.interpretations, "
                f"{late.seconds} AS late_s, {late.is_working} AS is_working "
                f"FROM {_BASE} {self.by_number(target, f'd.{target}_row')} {late.joins} "
                f"WHERE d.{target}_status = {literal(status)}) AS d"
            )
            yield self.finding(
                code,
                {"measured": "d.late_s >= 0", "unmeasured": "true"},
                {
                    "target": (literal(label[0]), literal(label[1])),
                    "late": self.duration("d.late_s", "d.is_working"),
                    "clauses": "d.clauses",
                },
                source,
                where="true",
                columns={
                    "line": "d.line",
                    "target": literal(target),
                    "late_s": "d.late_s",
                    "clock": "CASE WHEN d.is_working THEN 'working' ELSE 'calendar' END",
                    **{name: f"d.{name}" for name in _OF_RULE},
                },
            )

    # --- records of another system

    def records(self) -> Iterator[str]:
        """Find what another system wrote down otherwise."""
        if self.has("category", "category_row"):
            yield self.finding(
                "REC001",
                {"text": "true"},
                {"recorded": "t.recorded_category", "decided": "d.category", "clauses": "r.clauses"},
                f"{_BASE} {self.by_number('category', 'd.category_row')}",
                where="upper(t.recorded_category) <> d.category",
                columns={
                    "subject": "d.category",
                    **_OF_RULE,
                },
            )
        if self.has("payable"):
            fees = [table for table in self.policy.plan.tables if table.startswith("fee_")]
            joins = " ".join(
                self.by_number(table, f"CASE WHEN d.{table}_amount <> 0 THEN d.{table}_row END", f"r{index}")
                for index, table in enumerate(fees)
            )
            of_rules = {
                name: "concat_ws(' ', " + ", ".join(f"r{index}.{name}" for index in range(len(fees))) + ")"
                if fees
                else "''"
                for name in _OF_RULE
            }
            yield self.finding(
                "REC002",
                {"text": "true"},
                {"recorded": self.money("t.recorded_fee_minor"), "decided": self.money("d.payable")},
                f"{_BASE} {joins}",
                where="t.recorded_fee_minor <> d.payable",
                columns={
                    "amount_minor": "t.recorded_fee_minor - d.payable",
                    "amount_most_minor": "t.recorded_fee_minor - d.payable",
                    **of_rules,
                },
            )
        if self.has("arrived_due", "arrived_row"):
            apart = "(t.recorded_due_at_s - d.arrived_due)"
            yield self.finding(
                "REC003",
                {"later": f"{apart} > 0", "earlier": "true"},
                {"late": self.duration(f"abs{apart}"), "clauses": "r.clauses"},
                f"{_BASE} {self.by_number('arrived', 'd.arrived_row')}",
                where=f"{apart} <> 0",
                columns={
                    "target": "'arrived'",
                    "late_s": apart,
                    "clock": "'calendar'",
                    **_OF_RULE,
                },
            )

    # --- penalties

    def penalties(self) -> Iterator[str]:
        """Find penalties of missed targets and of incidents."""
        forms = {"amount": "r.least = r.most", "range": "r.most IS NOT NULL", "open": "true"}
        words: dict[str, str | tuple[str, str]] = {
            "least": self.money("r.least"),
            "most": self.money("r.most"),
            "liable": ("r.who_en", "r.who_zh"),
            "decider": ("r.what_en", "r.what_zh"),
            "clauses": "r.clauses",
        }
        if self.has("late_penalties_fired"):
            yield self.finding(
                "PEN001",
                forms,
                words,
                f"{_BASE} {self.by_mask('late_penalties', 'd.late_penalties_fired')}",
                where="true",
                columns={
                    "target": "r.target",
                    "amount_minor": "r.least",
                    "amount_most_minor": "r.most",
                    **_OF_RULE,
                },
            )
        if self.has("penalties_fired", table="incident_decisions"):
            yield self.finding(
                "PEN001",
                forms,
                words,
                f"{_BASE} JOIN incident_decisions AS i USING (ticket_id) "
                f"{self.by_mask('penalties', 'i.penalties_fired')}",
                where="true",
                columns={
                    "subject": "'incident ' || (i.line + 1)",
                    "amount_minor": "r.least",
                    "amount_most_minor": "r.most",
                    **_OF_RULE,
                },
            )

    # --- lists

    def lists(self) -> Iterator[str]:
        """Find approvals, levels of escalation, and facts that are missing."""
        if self.has("approvals_fired"):
            yield self.finding(
                "APR001",
                {"text": "true"},
                {
                    "subject": ("r.what_en", "r.what_zh"),
                    "approver": ("r.who_en", "r.who_zh"),
                    "clauses": "r.clauses",
                },
                f"{_BASE} {self.by_mask('approvals', 'd.approvals_fired')}",
                where="true",
                columns={
                    "subject": "r.what_en",
                    **_OF_RULE,
                },
            )
        if self.has("escalations_fired"):
            yield self.finding(
                "ESC001",
                {"text": "true"},
                {
                    "target": ("r.target_en", "r.target_zh"),
                    "level": "r.level",
                    "notify": ("r.who_en", "r.who_zh"),
                    "clauses": "r.clauses",
                },
                f"{_BASE} {self.by_mask('escalations', 'd.escalations_fired')}",
                where="true",
                qualify="QUALIFY row_number() OVER "
                "(PARTITION BY d.ticket_id, r.target ORDER BY r.level DESC, r.number) = 1",
                columns={
                    "target": "r.target",
                    "subject": "'level ' || r.level",
                    **_OF_RULE,
                },
            )
        if self.has("needs"):
            yield self.finding(
                "NEED001",
                {"text": "true"},
                {"needs": (self.needs("en", ", "), self.needs("zh", "、"))},
                _BASE,
                where="d.needs <> 0",
                columns={
                    "subject": self.needs("name", " "),
                },
            )

    @staticmethod
    def needs(column: str, between: str) -> str:
        return (
            f"(SELECT string_agg(n.{column}, {literal(between)} ORDER BY n.bit) FROM {NEEDS} AS n "
            "WHERE (d.needs >> n.bit) & 1 = 1)"
        )

    def confirmations(self) -> Iterator[str]:
        """Find visits that began before the customer had confirmed what needs confirmation."""
        if not self.has("needs_confirmation", "confirmations_fired"):
            return
        began = "least(t.departed_at_s, t.arrived_at_s)"
        reason = "d.confirmations_fired <> 0" + (" OR d.chargeable" if self.has("chargeable") else "")
        of_rules = {
            name: f"(SELECT string_agg(r.{name}, ' ' ORDER BY r.number) FROM {RULES} AS r "
            "WHERE r.tbl = 'confirmations' AND (d.confirmations_fired >> (r.number - 1)) & 1 = 1)"
            for name in _OF_RULE
        }
        early = f"(t.confirmed_at_s - {began})"
        yield self.finding(
            "CNF001",
            {"missing": "t.confirmed_at_s IS NULL", "after": "true"},
            {"late": self.duration(early)},
            _BASE,
            where=f"{began} IS NOT NULL AND (d.needs_confirmation OR ({early} > 0 AND ({reason})))",
            columns={
                "late_s": early,
                "clock": f"CASE WHEN {early} > 0 THEN 'calendar' END",
                **of_rules,
            },
        )

    def overrides(self) -> Iterator[str]:
        """Find goodwill beyond the limit of whoever granted it."""
        if not self.has("override_accepted", "override_limit", "overrides_row", table="override_decisions"):
            return
        kinds = {
            fact.name: fact.values
            for fact in self.policy.pack.settings.facts["override"]
            if fact.name == "override_kind"
        }["override_kind"]
        yield self.finding(
            "OVR001",
            {"over": "o.overrides_row > 0", "none": "true"},
            {
                "kind": (_named("g.override_kind", kinds, "en"), _named("g.override_kind", kinds, "zh")),
                "role": (
                    _named("g.role", self.policy.pack.settings.roles, "en"),
                    _named("g.role", self.policy.pack.settings.roles, "zh"),
                ),
                "amount": self.money("g.amount_minor"),
                "limit": self.money("o.override_limit"),
                "clauses": "r.clauses",
            },
            f"{_BASE} JOIN override_decisions AS o USING (ticket_id) JOIN overrides AS g ON g.ticket_id = o.ticket_id "
            f"AND g.line = o.line {self.by_number('overrides', 'o.overrides_row')}",
            where="NOT o.override_accepted AND (o.overrides_row = 0 OR g.amount_minor > o.override_limit)",
            columns={
                "subject": "'override ' || (o.line + 1)",
                "amount_minor": "g.amount_minor",
                "amount_most_minor": "g.amount_minor",
                **_OF_RULE,
            },
        )

    def calendar(self) -> str:
        """Find tickets that the calendar does not answer for; they are rejected."""
        first, last = self.policy.pack.settings.valid or ("", "")
        return self.finding(
            "CAL001",
            {"text": "true"},
            {"first": literal(first), "last": literal(last)},
            _BASE,
            where="d.calendar_error",
            usable=False,
        )


def _named(column: str, labels: Mapping[str, tuple[str, str]], language: Language) -> str:
    """Write the SQL that puts a word into its label."""
    index = 1 if language == "zh" else 0
    cases = " ".join(f"WHEN {literal(name)} THEN {literal(texts[index])}" for name, texts in labels.items())
    return f"CASE {column} {cases} ELSE {column} END" if cases else column
