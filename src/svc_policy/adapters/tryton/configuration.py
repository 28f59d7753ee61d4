"""The policy of each company, and who may approve in whose role."""

from __future__ import annotations

from typing import Any

from trytond.cache import Cache
from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.modules.company.model import CompanyValueMixin
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction

from svc_policy.adapters.tryton import policies
from svc_policy.adapters.tryton.exceptions import PolicyChoiceError, RoleError
from svc_policy.adapters.tryton.mapping import check_currency
from svc_policy.errors import Place, PolicyError, nearest
from svc_policy.messages import language_of
from svc_policy.policy import Policy

_VALUES = ("svc_policy", "svc_policy_digest")


class Configuration(metaclass=PoolMeta):
    """The configuration of sales."""

    __name__ = "sale.configuration"

    svc_policy = fields.MultiValue(
        fields.Char(
            "After-Sales Policy",
            help="A built-in policy such as “mall”, or the whole path of a policy's folder on the server.",
        )
    )
    svc_policy_digest = fields.MultiValue(fields.Char("Policy Digest", readonly=True))

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()  # type: ignore[misc]
        cls._buttons.update({"svc_take_up": {"readonly": ~Eval("svc_policy"), "depends": ["svc_policy"]}})

    @classmethod
    def multivalue_model(cls, field: str) -> Any:
        """Keep the policy apart from the other values."""
        if field in _VALUES:
            return Pool().get("sale.configuration.svc_policy")
        return super().multivalue_model(field)  # type: ignore[misc]

    @classmethod
    @ModelView.button
    def svc_take_up(cls, configurations: Any) -> None:
        """Load the chosen policy again, as its files have been edited.

        Raises:
            PolicyChoiceError: What is there now cannot be chosen; the policy stays as it was.
        """
        value = Pool().get("sale.configuration.svc_policy")
        company = Transaction().context.get("company")
        for record in value.search([("company", "=", company)]):
            if record.svc_policy:
                value.write([record], {"svc_policy": record.svc_policy})


class ConfigurationPolicy(ModelSQL, CompanyValueMixin):
    """The policy of one company: what was named, and the digest that it had then."""

    __name__ = "sale.configuration.svc_policy"

    svc_policy = fields.Char("After-Sales Policy")
    svc_policy_digest = fields.Char("Policy Digest", readonly=True)

    _chosen = Cache("sale.configuration.svc_policy.chosen", context=False)

    @classmethod
    def chosen(cls, company: int) -> tuple[str, str] | None:
        """Give the name and digest that were chosen for a company, or for all that have none of their own."""
        kept = cls._chosen.get(company, -1)
        if kept != -1:
            return kept  # type: ignore[no-any-return]
        by_company: dict[int | None, tuple[str, str] | None] = {}
        for record in cls.values():
            named = (record.svc_policy, record.svc_policy_digest) if record.svc_policy else None
            by_company[record.company.id if record.company else None] = named
        found = by_company.get(company, by_company.get(None))
        return cls._chosen.set(company, found)  # type: ignore[no-any-return]

    @classmethod
    def policy_of(cls, company: int) -> Policy | None:
        """Give the policy of a company; None where none was chosen.

        Raises:
            PolicyError: It is gone, cannot be loaded, or is no longer what was chosen.
        """
        named = cls.chosen(company)
        return None if named is None else policies.policy_of(*named)

    @classmethod
    def preprocess_values(cls, mode: str, values: dict[str, Any]) -> dict[str, Any]:
        """Load and check what is chosen, and keep its digest."""
        values = super().preprocess_values(mode, values)
        if "svc_policy" in values:
            name = (values["svc_policy"] or "").strip()
            values["svc_policy"] = name or None
            values["svc_policy_digest"] = cls._load(name).digest if name else None
        return values

    @classmethod
    def validate_fields(cls, records: Any, field_names: Any) -> None:
        """See that the company counts in the policy's currency."""
        super().validate_fields(records, field_names)
        for record in records:
            policy = policies.known(record.svc_policy_digest) if record.svc_policy_digest else None
            if policy is not None and record.company:
                try:
                    check_currency(record.company, policy, Place(file=record.svc_policy))
                except PolicyError as error:
                    raise _refused(record.svc_policy, error) from None

    @classmethod
    def _load(cls, name: str) -> Policy:
        try:
            return policies.choose(name)
        except PolicyError as error:
            raise _refused(name, error) from None

    @classmethod
    def on_modification(cls, mode: str, records: Any, field_names: Any = None) -> None:
        """Have the open complaints decided under the new policy when the cron entry next runs."""
        super().on_modification(mode, records, field_names=field_names)
        cls._chosen.clear()
        if mode == "delete" or not any(record.svc_policy for record in records):
            return
        companies = [record.company.id for record in records if record.company]
        domain = [("company", "in", companies)] if len(companies) == len(records) else []
        Pool().get("sale.complaint").svc_make_due(domain)


class Role(ModelSQL, ModelView):
    """A role of the policy, and a group whose users may approve in it."""

    __name__ = "svc_policy.role"

    company = fields.Many2One("company.company", "Company", required=True, ondelete="CASCADE")
    role = fields.Selection("get_roles", "Role", required=True)
    group = fields.Many2One("res.group", "Group", required=True, ondelete="CASCADE")

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            ("role_unique", Unique(table, table.company, table.role, table.group), "svc_policy.msg_role_unique")
        )

    @classmethod
    def default_company(cls) -> Any:
        """Give the user's company."""
        return Transaction().context.get("company")

    @fields.depends("company", "role")
    def get_roles(self) -> list[tuple[str, str]]:
        """List the roles of the company's policy in the user's language."""
        found = _roles_of(self.company)
        if self.role:
            # A role of an earlier policy is still to be shown.
            found.setdefault(self.role, self.role)
        return sorted(found.items(), key=lambda item: item[1])

    @classmethod
    def validate_fields(cls, records: Any, field_names: Any) -> None:
        """See that a role is one of the company's policy when it is given."""
        super().validate_fields(records, field_names)
        if field_names and not field_names & {"company", "role"}:
            return
        for record in records:
            known = _roles_of(record.company)
            if record.role not in known:
                raise _no_role(record.role, record.company.rec_name, known)

    @classmethod
    def groups_of(cls, company: Any, role: str) -> set[int]:
        """Give the groups whose users may approve in a role of a company."""
        return {found.group.id for found in cls.search([("company", "=", company.id), ("role", "=", role)])}

    def get_rec_name(self, name: str) -> str:
        """Name the record by role and group."""
        return f"{self.role}: {self.group.rec_name}"


def _roles_of(company: Any) -> dict[str, str]:
    """Give the roles of a company's policy with their labels in the user's language; none where there is no policy."""
    try:
        policy = Pool().get("sale.configuration.svc_policy").policy_of(company.id) if company else None
    except PolicyError:
        policy = None
    if policy is None:
        return {}
    language = language_of(Transaction().language)
    return {name: policy.pack.label(name, language) for name in policy.pack.settings.roles}


def _no_role(role: str, company: str, known: dict[str, str]) -> RoleError:
    if not known:
        return RoleError(gettext("svc_policy.msg_role_without_policy", role=role, company=company))
    near = nearest(role, known)
    roles = ", ".join([near] if near else sorted(known))
    name = "svc_policy.msg_role_meant" if near else "svc_policy.msg_role_known"
    return RoleError(gettext("svc_policy.msg_role_unknown", role=role, company=company), gettext(name, roles=roles))


def _refused(name: str, error: PolicyError) -> PolicyChoiceError:
    return PolicyChoiceError(
        gettext("svc_policy.msg_policy_refused", policy=name), error.render(language_of(Transaction().language))
    )
