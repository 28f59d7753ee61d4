"""A folder of service slips, one TOML file each; the decision on a slip lies beside it as JSON."""

import json
import os
import tomllib
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from svc_policy import Decision, Policy
from svc_policy.adapters import Adapter, Option, Reading, RecordReader, Unreadable, Written, older, read_mapping
from svc_policy.errors import AdapterError, Place, problem
from svc_policy.messages import message

MAPPING = Path(__file__).with_name("mapping.toml")


class SlipFolder:
    """Both sides of a folder: slips are read by name, which is their mark; decisions are written beside them."""

    def __init__(self, policy: Policy, *, folder: str | Path) -> None:
        self.policy, self.folder = policy, Path(folder)
        self.reader = RecordReader(policy, read_mapping(MAPPING, policy), name=str(folder))

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        names = sorted(entry[:-5] for entry in self._entries() if entry.endswith(".toml"))
        return (self._slip(name) for name in names if after is None or name > after)

    def write(self, decisions: Iterable[Decision]) -> Written:
        count, refused = {"made": 0, "changed": 0, "unchanged": 0}, []
        slips = set(self._entries())
        for decision in decisions:
            name = decision.ticket.ticket_id
            if f"{name}.toml" not in slips:
                refused.append(self._bad(name, "there is no such slip"))
                continue
            path, whole = self.folder / f"{name}.json", self.policy.as_dict(decision)
            before = json.loads(path.read_text("utf-8")) if path.exists() else None
            if before and (kept_at := datetime.fromisoformat(before["at"])).timestamp() > decision.at_s:
                refused.append(older(name, kept_at, Place(file=str(path))))
                continue
            count["made" if before is None else "unchanged" if before == whole else "changed"] += 1
            if before != whole:
                beside = path.with_suffix(".part")
                beside.write_text(json.dumps(whole, ensure_ascii=False, indent=2), "utf-8")
                beside.replace(path)  # never half a decision
        return Written(**count, refused=tuple(refused))

    def _entries(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except OSError as error:
            text = message("the folder of slips cannot be read: {reason}", reason=error.strerror)
            raise AdapterError([problem("slips-folder", text, place=Place(file=str(self.folder)))]) from None

    def _slip(self, name: str) -> Reading | Unreadable:
        try:
            slip = tomllib.loads((self.folder / f"{name}.toml").read_text("utf-8"), parse_float=Decimal)
        except (OSError, ValueError) as error:
            return self._bad(name, str(error))
        return self.reader.read({**slip, "slip": name}, mark=name)

    def _bad(self, name: str, reason: str) -> Unreadable:
        place = Place(file=str(self.folder / f"{name}.toml"))
        return Unreadable(record=name, problems=(problem("slip", message("{r}", r=reason), place=place),), mark=name)


FOLDER = Option(name="folder", summary=message("the folder of slips"), needed=True)
SUMMARY = message("service slips in a folder, one TOML file each")
SLIPS = Adapter(
    name="slips", summary=SUMMARY, source=SlipFolder, sink=SlipFolder, source_options=(FOLDER,), sink_options=(FOLDER,)
)
