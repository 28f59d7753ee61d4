"""Show what the materials of an order come to as a short table."""

from __future__ import annotations

from decimal import Decimal

from svc_policy.cli.session import Session
from svc_policy.decision import Materials
from svc_policy.explain.stocking import material_name
from svc_policy.explain.wording import STATUSES, Wording
from svc_policy.messages import message


def show_materials(session: Session, words: Wording, materials: Materials) -> None:
    """Show boxes, stock, weight and price of each kind of tile, the vehicle, and both settlements."""

    def shown(value: int | Decimal | None) -> str:
        return words(STATUSES["undetermined"]) if value is None else f"{value}"

    rows = [
        (
            words(material_name(line.tile_model, line.line)),
            shown(line.tiles),
            shown(line.boxes),
            "" if line.in_stock is None else str(line.in_stock),
            "" if line.short is None else str(line.short),
            shown(line.weight),
            shown(line.goods),
        )
        for line in materials.lines
    ]
    total = words(message("total"))
    rows.append(
        (total, "", shown(materials.total_boxes), "", "", shown(materials.total_weight), shown(materials.goods))
    )
    headings = (
        message("material"),
        message("tiles"),
        message("boxes"),
        message("in stock"),
        message("short"),
        message("weight (kg)"),
        message("amount ({currency})", currency=materials.currency),
    )
    session.write()
    session.table(headings, rows, right=".rrrrrr")
    if materials.vehicle is not None:
        session.write(message("vehicle: {vehicle}", vehicle=words.label(materials.vehicle)))
    settlement = materials.settlement
    session.write(message("to be paid before delivery: {amount}", amount=shown(settlement.first_due)))
    session.write(message("settled after laying: {amount}", amount=shown(settlement.second)))
