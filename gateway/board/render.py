"""Templates: what they are given, how times read, and the fragments of a page that change."""

import hashlib
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.board.words import LANGUAGES, Words

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"


class Renderer:
    """Renders the templates of the board. Everything is escaped; nothing is marked safe."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        """Take the time zone in which times are shown; without one, the gateway's own."""
        self._zone = zone
        self._env = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._stamp = _stamp()

    def __call__(self, template: str, words: Words, now: float, **values: Any) -> str:
        """Return a template with its values; ``now`` is the wall time that ages are counted from."""
        return self._env.get_template(template).render(
            t=words,
            now=now,
            stamp=self._stamp,
            languages=LANGUAGES,
            moment=lambda at: self.moment(at, now),
            iso=self.iso,
            **values,
        )

    def file(self, template: str, words: Words, now: float, **values: Any) -> str:
        """Return a page that stands alone: its style in it, no script, nothing loaded."""
        style = Markup((STATIC / "board.css").read_text("utf-8"))  # noqa: S704 - our own
        return self(template, words, now, style=style, **values)

    def moment(self, at: float, now: float) -> str:
        """Return a wall time as people read it; the date only when it is another day's."""
        moment = self._local(at)
        return moment.strftime("%H:%M:%S" if moment.date() == self._local(now).date() else "%Y-%m-%d %H:%M:%S")

    def offset(self, at: float) -> float:
        """Return the seconds by which times are shown ahead of UTC, for what a script draws."""
        ahead = self._local(at).utcoffset()
        return ahead.total_seconds() if ahead else 0.0

    def iso(self, at: float) -> str:
        """Return a wall time for machines."""
        return self._local(at).isoformat(timespec="seconds")

    def _local(self, at: float) -> datetime:
        # A device may have sent any number; a page must not fall over it.
        bounded = at if 0 <= at < 32503680000 else 0.0
        return datetime.fromtimestamp(bounded, UTC).astimezone(self._zone)


def _stamp() -> str:
    """Return what changes when a static file does, so that browsers keep them and still see a new version."""
    digest = hashlib.sha256()
    for file in sorted(STATIC.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
