"""What code in workers did, told to a test by files: each event is one, so that none is lost."""

import json
import uuid
from pathlib import Path
from typing import Any


def note(folder: str, what: str, **values: Any) -> None:
    """Record that something happened."""
    name = f"{what}-{uuid.uuid4()}"
    Path(folder, f"{name}.part").write_text(json.dumps([what, values]), encoding="utf-8")
    Path(folder, f"{name}.part").rename(Path(folder, f"{name}.json"))


def noted(folder: Path) -> list[Any]:
    """All that has happened, in an order that does not depend on time."""
    events = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    return sorted(events, key=json.dumps)
