"""What a reader calls each table: its title, what it settles, and how its rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from svc_policy.messages import Message, message
from svc_policy.rules.family import Family

#: Title of a table, and what it settles.
TITLES: Final[Mapping[str, tuple[Message, Message]]] = {
    "intake": (message("What is recorded of a request"), message("What the first record of a request holds.")),
    "zones": (message("Service zones"), message("Which zone a request belongs to.")),
    "complaints": (message("Kinds of complaint"), message("By which signs a complaint is told to be serious.")),
    "warranty": (message("Warranty periods"), message("How long the warranty lasts and when it begins.")),
    "exclusions": (message("What the warranty leaves out"), message("What is not covered within the warranty period.")),
    "entitlements": (message("Service contracts"), message("What a running contract covers.")),
    "category": (message("Categories of service"), message("Whether a job is paid, under contract, free or internal.")),
    "holds": (message("When a clock stops"), message("Which waiting times stop which clocks.")),
    "deadlines": (message("Times to be kept"), message("What is due, within what time, counted from when.")),
    "fees": (message("Fees"), message("What each line of a bill comes to.")),
    "part_fees": (message("Prices of parts"), message("Which share of the list price a part costs.")),
    "surcharges": (message("Surcharges"), message("What is added to which fees.")),
    "payers": (message("Who pays"), message("Who bears the cost of a job.")),
    "overrides": (message("Goodwill"), message("Who may grant what, up to which amount.")),
    "confirmations": (message("What the customer confirms"), message("What the customer must agree to beforehand.")),
    "remedies": (message("Return, exchange, repair"), message("What a customer with faulty goods is entitled to.")),
    "approvals": (message("Approvals"), message("What needs whose approval.")),
    "penalties": (message("Penalties"), message("What follows from an incident.")),
    "late_penalties": (message("Penalties for being late"), message("What follows when something due is late.")),
    "escalations": (message("Escalation"), message("Who is told, and when, as a time runs out or a matter grows.")),
    "procedures": (message("Procedures"), message("The steps of a matter, one after another, and what ends each.")),
    "compensations": (message("Compensation"), message("Up to which amount a customer may be compensated.")),
    "routing": (message("Steps of a request"), message("Who takes which step.")),
    "forms": (message("Forms"), message("Which form is due from whom, in how many copies, and for whom.")),
    "fields": (message("Fields of the forms"), message("What stands on each form.")),
    "checklists": (message("Checklists"), message("What is confirmed or done at each stage.")),
    "surveys": (message("Surveys"), message("How customers are asked for their opinion.")),
    "appraisals": (message("Appraisal of service"), message("How the customer's ratings become one score.")),
    "duties": (message("Duties"), message("Who is in charge of what.")),
    "schedules": (message("Recurring work"), message("What comes round, when, and who does it.")),
    "staffing": (message("Staffing"), message("How many people a post takes.")),
    "budgets": (message("Budgets"), message("What a kind of cost may come to in a year.")),
    "materials": (message("Materials"), message("How much waste is allowed for, and how many boxes are added.")),
    "processing": (message("Processing"), message("What is done to the material, at what price, by whom.")),
    "vehicles": (message("Vehicles"), message("Which vehicle a delivery takes, and who pays for it.")),
    "settlements": (message("Settlements"), message("What is added or taken off once the work is done.")),
    "stock": (message("Spare-parts stock"), message("How many of a part are kept, and where.")),
}

#: How the rows of a table are read.
READ: Final[Mapping[str, Message]] = {
    "first": message("The first row that applies decides."),
    "unique": message("One row applies at a time."),
    "collect": message("Every row that applies holds."),
}
GOVERNING: Final[Mapping[str, Message]] = {
    "purchase": message("Its edition is that of the day of purchase."),
    "request": message("Its edition is that of the day of the request."),
    "fee": message("Its edition is that of the day of the quote, else of the request."),
    "incident": message("Its edition is that of the day of the incident."),
}

#: Headings of results that their names do not tell.
HEADINGS: Final[Mapping[tuple[str, str], Message]] = {
    ("materials", "wastage"): message("waste allowed for"),
    ("materials", "extra boxes"): message("boxes added"),
    ("processing", "method"): message("kind of processing"),
    ("processing", "price"): message("price"),
    ("processing", "workshop"): message("workshop"),
    ("vehicles", "vehicle"): message("vehicle"),
    ("vehicles", "paid by"): message("paid by"),
    ("vehicles", "arranged by"): message("arranged by"),
    ("settlements", "returned share"): message("paid back of what is returned"),
    ("settlements", "charged by"): message("charged by"),
    ("schedules", "phase names"): message("phases are called"),
    ("intake", "field"): message("to be recorded"),
    ("intake", "owner"): message("recorded by"),
    ("holds", "stops"): message("stops the clock of"),
    ("warranty", "length"): message("length"),
    ("warranty", "starts"): message("counted from the day of"),
    ("entitlements", "labour"): message("labour covered"),
    ("entitlements", "parts"): message("parts covered"),
    ("entitlements", "visit"): message("visit covered"),
    ("part_fees", "share"): message("share of the list price"),
    ("surcharges", "of"): message("of the fees"),
    ("payers", "payer"): message("who pays"),
    ("overrides", "limit"): message("up to"),
    ("confirmations", "reason"): message("what is confirmed"),
    ("approvals", "approver"): message("approved by"),
    ("approvals", "subject"): message("what needs approval"),
    ("escalations", "notify"): message("who is told"),
    ("escalations", "answer"): message("how the customer is told"),
    ("procedures", "done"): message("ends with"),
    ("appraisals", "levels"): message("best rating"),
    ("forms", "recipient"): message("goes to"),
    ("fields", "fact"): message("filled from"),
    ("remedies", "days"): message("within days"),
    ("surveys", "owner"): message("asked by"),
    ("duties", "duty"): message("duty"),
    ("staffing", "staff"): message("people"),
    ("staffing", "per"): message("workload counted in"),
    ("staffing", "each"): message("one more for each"),
    ("staffing", "beyond"): message("beyond"),
    ("schedules", "occasion"): message("what is done"),
    ("schedules", "every"): message("how often"),
    ("schedules", "on"): message("on which day"),
    ("schedules", "anchor"): message("counted from"),
    ("schedules", "before"): message("ahead by"),
    ("schedules", "moved"): message("if not a working day"),
    ("schedules", "over"): message("spread over"),
    ("schedules", "recipient"): message("goes to"),
    ("stock", "least"): message("at least"),
    ("stock", "most"): message("at most"),
    ("stock", "storage"): message("kept in"),
    ("budgets", "kind"): message("cost"),
    ("budgets", "warn"): message("warning from"),
}
#: Headings that mean the same in every table.
_COMMON: Final[Mapping[str, Message]] = {
    "owner": message("in charge"),
    "decided by": message("decided by"),
    "chosen by": message("optional: chosen by"),
    "liable": message("liable"),
    "order": message("order"),
    "copies": message("copies"),
    "form": message("form"),
    "item": message("item"),
    "stage": message("stage"),
    "step": message("step"),
    "scale": message("scale"),
    "reason": message("reason"),
    "survey": message("survey"),
    "level": message("level"),
    "action": message("action"),
    "when": message("when"),
    "field": message("field"),
    "kind": message("kind"),
    "choices": message("choices"),
    "limit": message("limit"),
    "prevails": message("which limit prevails"),
    "aspect": message("aspect"),
    "weight": message("weight"),
    "procedure": message("procedure"),
    "category": message("category"),
    "class": message("class"),
    "zone": message("zone"),
    "line": message("fee line"),
    "share": message("share"),
    "post": message("post"),
    "amount": message("amount"),
    "year": message("year"),
    "priority": message("priority"),
    "phases": message("phases"),
    "first": message("first on"),
    "after": message("after by"),
}


def title_of(family: Family) -> Message | str:
    """Give the title of a table; its name where it has none here."""
    found = TITLES.get(family.name)
    return found[0] if found else family.name.replace("_", " ").capitalize()


def heading_of(family: str, column: str) -> Message | None:
    """Give the heading of a result; None where its name will do."""
    return HEADINGS.get((family, column)) or _COMMON.get(column)
