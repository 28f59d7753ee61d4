"""Tell of the materials of an order: boxes, stock, processing, delivery, and both settlements."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from svc_policy.decision import LineSettlement, MaterialLine, Materials, QuoteLine, SheetLine
from svc_policy.explain.sentences import Account, Section
from svc_policy.messages import Message, message


def tell_materials(account: Account) -> Section:
    """Say what each kind of tile needs, what it weighs, what stock lacks, and what it is delivered with."""
    materials = account.decision.materials
    if materials is not None:
        for line in materials.lines:
            _tell_boxes(account, line)
            _tell_stock(account, line)
        for sheet in materials.processing_sheet:
            _tell_processing(account, sheet)
        _tell_load(account, materials)
    return account.section(message("Materials"))


def tell_settlement(account: Account) -> Section:
    """Say what is paid before delivery, and what is settled once the tiles are laid."""
    materials = account.decision.materials
    if materials is not None:
        _tell_first(account, materials)
        for line in materials.lines:
            _tell_changes(account, line)
        _tell_second(account, materials)
    return account.section(message("Settlement"))


def material_name(tile_model: str | None, number: int) -> Message:
    """Name a line of materials by its model, or by its place."""
    return message("tile {name}", name=tile_model) if tile_model else message("tile no. {number}", number=number)


def charged_material(account: Account, line: QuoteLine) -> Message | str:
    """Name a line of the quote that a line of materials makes: its boxes, or the tiles that are processed."""
    number = line.material or 1
    name = material_name(account.decision.ticket.materials[number - 1].tile_model, number)
    if line.rule is not None and line.rule.table == "processing":
        name = message("{method} of {tile}", method=account.words.label(line.line), tile=name)
    return name if line.quantity is None else message("{part} × {quantity}", part=name, quantity=line.quantity)


def _tell_boxes(account: Account, line: MaterialLine) -> None:
    words = account.words
    name = material_name(line.tile_model, line.line)
    because = account.because(line.rule)
    if line.boxes is None or line.area is None:
        asked = _asked(account, line.line, "line_boxes")
        account.say_unknown(message("how many boxes of {tile} are needed", tile=name), asked, line.rule)
        return
    account.say(
        message(
            "{tile}: {area} with {wastage} wastage takes {tiles} whole tiles; boxes: {whole} whole and {extra} extra, "
            "{boxes} in all{because}.",
            tile=name,
            area=message("{count} m²", count=f"{line.area:f}"),
            wastage=words.rate(line.wastage or Decimal(0)),
            tiles=line.tiles,
            whole=line.whole_boxes,
            extra=line.extra_boxes,
            boxes=line.boxes,
            because=because,
        ),
        line.rule,
    )
    if line.weight is None or line.goods is None:
        asked = _asked(account, line.line, "line_weight", "line_goods")
        account.say_unknown(message("the weight and the price of {tile}", tile=name), asked, line.rule)
    else:
        account.say(
            message(
                "They weigh {weight} and cost {amount}.",
                weight=message("{count} kg", count=f"{line.weight:f}"),
                amount=words.money(line.goods),
            ),
            line.rule,
        )


def _asked(account: Account, number: int, *names: str) -> str:
    """List what some results of a line ask for."""
    found: list[str] = []
    for name in names:
        needs = account.policy.child_column(account.decision, "material", number - 1, f"{name}_needs")
        found.extend(account.policy.asked(needs))
    return account.asked(found)


def _tell_stock(account: Account, line: MaterialLine) -> None:
    if line.in_stock is None or line.short is None:
        return
    values = {"tile": material_name(line.tile_model, line.line), "stock": line.in_stock, "short": line.short}
    if line.short:
        account.say(message("Boxes of {tile} in stock: {stock}, so {short} short.", **values))
    else:
        account.say(message("Boxes of {tile} in stock: {stock}, which is enough.", **values))


def _tell_processing(account: Account, sheet: SheetLine) -> None:
    words = account.words
    name = material_name(sheet.tile_model, sheet.line)
    method = words.label(sheet.method)
    if sheet.tiles is None:
        account.say_unknown(
            message("how many whole tiles of {tile} are processed ({method})", tile=name, method=method),
            _asked(account, sheet.line, "line_processed_tiles"),
            sheet.rule,
        )
    else:
        account.say(
            message(
                "{method} of {tile}: pieces: {pieces}, {per} from each tile, so whole tiles: {tiles}.",
                method=method,
                tile=name,
                pieces=sheet.pieces,
                per=sheet.pieces_per_tile,
                tiles=sheet.tiles,
            ),
            sheet.rule,
        )
    if sheet.owner is not None and sheet.workshop is not None:
        account.say(
            message(
                "{owner} checks the processing sheet and sends it to {workshop}.",
                owner=words.role(sheet.owner),
                workshop=words.role(sheet.workshop),
            ),
            sheet.rule,
        )
    if sheet.price is None and sheet.decided_by is not None:
        role = words.role(sheet.decided_by)
        account.say(message("The price of this processing is open; {role} confirms it.", role=role), sheet.rule)


def _tell_load(account: Account, materials: Materials) -> None:
    words = account.words
    if materials.total_weight is None or materials.total_boxes is None:
        account.say_unknown(message("the weight of the whole order"), account.needs("total_weight"))
    else:
        account.say(
            message(
                "Boxes of the whole order: {boxes}; it weighs {weight}.",
                boxes=materials.total_boxes,
                weight=message("{count} kg", count=f"{materials.total_weight:f}"),
            )
        )
    if materials.vehicle is None:
        return
    rule = materials.vehicle_rule
    because = account.because(rule)
    vehicle = words.label(materials.vehicle)
    if materials.vehicle_arranged_by is not None:
        account.say(
            message(
                "It is delivered with: {vehicle}, which {role} arranges{because}.",
                vehicle=vehicle,
                role=words.role(materials.vehicle_arranged_by),
                because=because,
            ),
            rule,
        )
    else:
        account.say(message("It is delivered with: {vehicle}{because}.", vehicle=vehicle, because=because), rule)
    if materials.carrier_paid_by is not None:
        account.say(message("{role} pays the carrier.", role=words.role(materials.carrier_paid_by)), rule)
    for name in materials.illustrative:
        if name in _ILLUSTRATIVE:
            account.say(_ILLUSTRATIVE[name])


#: What is said of a table whose figures are not the source's; those of processing are told with the quote.
_ILLUSTRATIVE: Final = {
    "materials": message("The wastage and the extra boxes are illustrative: the source does not give them."),
    "vehicles": message("The vehicles and their limits are illustrative: the source does not give them."),
    "settlements": message("The terms of a return are illustrative: the source does not give them."),
}


def _tell_first(account: Account, materials: Materials) -> None:
    words, settlement = account.words, materials.settlement
    if settlement.first is None or settlement.first_due is None:
        account.say_unknown(message("what is to be paid before delivery"), account.asked(settlement.needs))
    elif settlement.deposit:
        account.say(
            message(
                "Goods and fees come to {first}; less the deposit of {deposit}, {due} is to be paid before delivery.",
                first=words.money(settlement.first),
                deposit=words.money(settlement.deposit),
                due=words.money(settlement.first_due),
            )
        )
    else:
        account.say(message("{first} is to be paid before delivery.", first=words.money(settlement.first)))


def _tell_changes(account: Account, line: MaterialLine) -> None:
    """Say what changed of one line while laying, each change with its amount."""
    words, changes = account.words, line.settlement
    name = material_name(line.tile_model, line.line)
    if changes.boxes_added and changes.added is not None:
        account.say(
            message(
                "Boxes of {tile} added: {count}, for {amount}.",
                count=changes.boxes_added,
                tile=name,
                amount=words.money(changes.added),
            ),
            changes.rule,
        )
    if changes.boxes_returned:
        _tell_return(account, changes, name)
    if changes.tiles_processed_again:
        values = {"count": changes.tiles_processed_again, "tile": name}
        if changes.processed_again is None:
            template = message("Tiles of {tile} processed again: {count}; the price is open.", **values)
        else:
            amount = words.money(changes.processed_again)
            template = message("Tiles of {tile} processed again: {count}, for {amount}.", amount=amount, **values)
        account.say(template, changes.rule)


def _tell_return(account: Account, changes: LineSettlement, name: Message) -> None:
    words = account.words
    values = {"count": changes.boxes_returned, "tile": name}
    if changes.returned is not None and changes.returned_share is not None:
        account.say(
            message(
                "Boxes of {tile} returned: {count}, at {share} of their price: {amount} is taken off.",
                share=words.rate(changes.returned_share),
                amount=words.money(changes.returned),
                **values,
            ),
            changes.rule,
        )
    elif changes.returned_share is None and changes.decided_by is not None:
        account.say(
            message(
                "Boxes of {tile} returned: {count}; no rule says what they bring, so {role} decides.",
                role=words.role(changes.decided_by),
                **values,
            ),
            changes.rule,
        )
    else:
        account.say(message("Boxes of {tile} returned: {count}; what they bring is open.", **values), changes.rule)


def _tell_second(account: Account, materials: Materials) -> None:
    words, settlement = account.words, materials.settlement
    rules = tuple(line.settlement.rule for line in materials.lines)
    if settlement.second is None:
        needs = account.needs("settlement_second")
        account.say_unknown(message("what is settled after laying"), needs, *rules)
        return
    changed = any(
        line.settlement.boxes_added or line.settlement.boxes_returned or line.settlement.tiles_processed_again
        for line in materials.lines
    )
    if not changed:
        account.say(
            message("Nothing is settled after laying so far: nothing was added, returned or done again."), *rules
        )
    elif settlement.second < 0:
        account.say(
            message("After laying, {amount} is refunded to the customer.", amount=words.money(-settlement.second)),
            *rules,
        )
    else:
        account.say(
            message("After laying, the customer pays another {amount}.", amount=words.money(settlement.second)), *rules
        )
    charging = dict.fromkeys(line.settlement.charged_by for line in materials.lines if line.settlement.charged_by)
    if changed and charging:
        owners = words.both(words.role(name) for name in charging)
        account.say(message("{owners} asks the customer to settle the account.", owners=owners), *rules)
    if changed and settlement.total is not None:
        account.say(message("Both settlements together come to {total}.", total=words.money(settlement.total)))
