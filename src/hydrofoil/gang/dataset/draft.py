"""What an export that is under way leaves in its folder, for the next one to go on with.

``_draft/export.json`` says whose it is; each finished partition adds a receipt.
"""

import json
import uuid
from dataclasses import asdict, dataclass

from hydrofoil.gang.dataset.manifest import Part
from hydrofoil.gang.dataset.storage import Folder

FOLDER = "_draft"
_HEAD = f"{FOLDER}/export.json"


@dataclass(frozen=True)
class Draft:
    """An unfinished export.

    Parameters
    ----------
    export_id : str
    finished : dict of int to Part
        Its partitions with receipts.
    """

    export_id: str
    finished: dict[int, Part]


def begin(folder: Folder, fingerprint: str | None) -> Draft:
    """Take up the draft that is there, if it is of the same rows, or start another."""
    head = _head(folder)
    if head is not None and fingerprint is not None and head["fingerprint"] == fingerprint:
        return Draft(head["export_id"], {part.partition: part for part in receipts(folder)})
    discard(folder)
    export_id = uuid.uuid4().hex
    content = {"export_id": export_id, "fingerprint": fingerprint}
    folder.write(_HEAD, json.dumps(content).encode())
    return Draft(export_id, {})


def read_id(folder: Folder) -> str | None:
    """Whose draft it is; None without one."""
    head = _head(folder)
    return None if head is None else head["export_id"]


def add(folder: Folder, part: Part) -> None:
    """Write the receipt of a finished partition."""
    # Two attempts of a task may finish; each has a receipt, and either will do.
    name = f"{part.partition:05}-{uuid.uuid4().hex[:8]}.json"
    folder.write(f"{FOLDER}/{name}", json.dumps(asdict(part)).encode())


def receipts(folder: Folder, known: "set[str] | None" = None) -> list[Part]:
    """The finished partitions; with ``known``, those of receipts not in it, which are added."""
    found = []
    for name in folder.names(FOLDER):
        if name == "export.json" or not name.endswith(".json"):
            continue
        if known is not None:
            if name in known:
                continue
            known.add(name)
        content = folder.read(f"{FOLDER}/{name}")
        if content is not None:
            try:
                found.append(Part.of(json.loads(content)))
            except (ValueError, KeyError, TypeError):
                continue  # Torn by a crash: its partition counts as unfinished.
    return found


def discard(folder: Folder) -> None:
    """Remove the draft and the files that only it knows of."""
    for part in receipts(folder):
        if part.name:
            folder.remove(part.name)
    folder.remove_folder(FOLDER)


def _head(folder: Folder) -> dict[str, str] | None:
    content = folder.read(_HEAD)
    if content is None:
        return None
    try:
        head: dict[str, str] = json.loads(content)
        return head if {"export_id", "fingerprint"} <= head.keys() else None
    except (ValueError, AttributeError):
        return None
