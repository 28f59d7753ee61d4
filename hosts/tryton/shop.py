"""Two companies in one database, set up as their users would: through proteus."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
from proteus import Model, Wizard
from proteus import config as proteus_config

from hosts.tryton.database import NAME
from hosts.tryton.policies import write_depot

HTML = "<b>Li & Co</b><script>alert(1)</script>"


@attrs.define(kw_only=True)
class Shop:
    """The two companies, their records, and the clock that complaints are decided by."""

    config: Any
    folder: Path
    mall: Any = None
    depot: Any = None
    customer: Any = None
    types: dict[str, Any] = attrs.field(factory=dict)
    product: Any = None
    users: dict[str, Any] = attrs.field(factory=dict)
    now: datetime | None = None

    @contextlib.contextmanager
    def of(self, company: Any, user: str = "admin", language: str = "en") -> Iterator[None]:
        """Work in a company as one of its users."""
        kept, before = dict(self.config._context), self.config.user
        found = Model.get("res.user").find([("login", "=", user)])[0].id if user != "admin" else before
        self.config.user = found
        self.config._context = {**kept, "company": company.id, "language": language}
        try:
            yield
        finally:
            self.config._context, self.config.user = kept, before

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Say yes to warnings."""
        self.config.skip_warning = True
        try:
            yield
        finally:
            self.config.skip_warning = False

    def complaint(self, company: Any, kind: str = "fault", **values: Any) -> Any:
        """Make a draft."""
        complaint = Model.get("sale.complaint")()
        complaint.company = company
        complaint.customer = self.customer
        complaint.type = self.types[kind]
        for name, value in values.items():
            setattr(complaint, name, value)
        complaint.save()
        return complaint

    def state(self, complaint: Any, **facts: str) -> None:
        """State facts of a complaint, in the place of those that it has."""
        stated = {line.fact: line for line in complaint.svc_facts}
        for name, value in facts.items():
            if name in stated:
                stated[name].value = value
            else:
                complaint.svc_facts.new(fact=name, value=value)
        complaint.save()

    def at(self, text: str) -> None:
        """Set the clock: an instant in UTC."""
        self.now = datetime.fromisoformat(text)

    def lot(self, number: str, **values: Any) -> Any:
        """Make an asset."""
        lot = Model.get("stock.lot")(number=number, product=self.product, **values)
        lot.save()
        return lot

    def choose(self, company: Any, policy: str) -> None:
        """Choose the policy of a company, as in the form of the configuration."""
        with self.of(company):
            configuration = Model.get("sale.configuration")(1)
            configuration.svc_policy = policy
            configuration.save()

    def chosen(self, company: Any) -> tuple[str | None, str | None]:
        """Read the policy of a company and its digest."""
        with self.of(company):
            configuration = Model.get("sale.configuration")(1)
            return configuration.svc_policy, configuration.svc_policy_digest


def open_shop(folder: Path, config_file: Path) -> Shop:
    """Set up the companies in the database of a folder."""
    config = proteus_config.set_trytond(database=f"sqlite:///{NAME}", config_file=str(config_file))
    shop = Shop(config=config, folder=folder)
    currency = Model.get("currency.currency")
    party = Model.get("party.party")
    user = Model.get("res.user")
    made = {}
    for code, name in (("CNY", "Yuan"), ("EUR", "Euro")):
        made[code] = currency(name=name, symbol=code, code=code, rounding=Decimal("0.01"), digits=2)
        made[code].save()
    owner = party(name="Mall Company")
    owner.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = owner
    wizard.form.currency = made["CNY"]
    wizard.form.timezone = "Asia/Shanghai"
    wizard.execute("add")
    company = Model.get("company.company")
    (shop.mall,) = company.find([])
    other = party(name="Depot Company")
    other.save()
    shop.depot = company(party=other, currency=made["EUR"])
    shop.depot.save()
    admin = user(config.user)
    admin.companies.append(company(shop.depot.id))
    admin.company_filter = "all"
    admin.save()
    config._context = user.get_preferences(True, config.context)
    group = Model.get("res.group")
    groups = {name: group.find([("name", "=", name)])[0] for name in ("Sales", "Sales Administrator")}
    chiefs = group(name="Chiefs")
    chiefs.save()
    groups["Chiefs"] = chiefs
    for login, of in (("clerk", ("Sales", "Sales Administrator")), ("chief", ("Sales", "Chiefs"))):
        one = user(name=login.title(), login=login)
        for name in of:
            one.groups.append(group(groups[name].id))
        one.companies.extend([company(shop.mall.id), company(shop.depot.id)])
        one.company = company(shop.depot.id)
        one.company_filter = "all"
        one.save()
        shop.users[login] = one
    shop.customer = party(name=HTML)
    shop.customer.addresses[0].street = "Lane 5"
    shop.customer.save()
    phone = shop.customer.contact_mechanisms.new(type="phone", value="+86 10 1234 5678")
    assert phone is not None
    shop.customer.save()
    kind = Model.get("sale.complaint.type")
    model = Model.get("ir.model")
    (sales,) = model.find([("name", "=", "sale.sale")])
    for name in ("fault", "complaint"):
        shop.types[name] = kind(name=name, origin=sales, svc_request_kind=name)
        shop.types[name].save()
    unit = Model.get("product.uom").find([("name", "=", "Unit")])[0]
    template = Model.get("product.template")(name="Oven", default_uom=unit, type="goods", salable=True)
    template.list_price = Decimal("100")
    template.save()
    (shop.product,) = template.products
    shop.product.suffix_code = "OV-1"
    shop.product.save()
    shop.choose(shop.mall, "mall")
    shop.choose(shop.depot, str(write_depot(folder / "depot")))
    return shop
