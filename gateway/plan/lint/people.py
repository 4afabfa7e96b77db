"""Rules about people and the ways to them: contacts and channels."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from contract.locate import Path
from contract.settings import did_you_mean
from gateway.notify.route import addresses
from gateway.plan.lint.site import Found, Grade, Site
from gateway.plan.model import UNSAID, Clause, Report, Wake, Words

_TITLE: Final[Path] = ("title",)
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_EXAMPLE: Final = re.compile(r"@example\.(com|net|org)$")
_HERE: Final = ("127.0.0.1", "::1", "localhost")
_SECRET: Final = 16
"""Characters that a secret has at least (RFC 2104: no shorter than the hash is strong)."""


def one_language(site: Site) -> Iterator[Found]:
    """Texts that say the same in both languages, or one in the place of the other."""
    for placed in site.clauses:
        texts: list[tuple[Path, Words]] = [(_TITLE, placed.clause.title)]
        texts += [(("trigger", index, "title"), one.title) for index, one in placed.triggers]
        texts += [(("step", index, "text"), one.text) for index, one in placed.steps]
        texts += _reported(placed.clause)
        for path, words in texts:
            for key, what in _untranslated(words):
                yield placed.found((*path, key), what, "write it in both languages")
    for common in site.common:
        for key, what in _untranslated(common.trigger.title):
            yield common.found(("title", key), what, "write it in both languages")
    for index, department in enumerate(site.contacts.department if site.contacts else ()):
        for key, what in _untranslated(department.title):
            at: Path = ("department", index, "title", key)
            yield Found(site.contacts_file, at, f"{department.key}: {what}", "write it in both languages")


def _reported(clause: Clause) -> Iterator[tuple[Path, Words]]:
    """Yield what people read who report something of a clause."""
    if isinstance(clause.lead, Words):
        yield ("lead",), clause.lead
    for index, report in enumerate(clause.report if isinstance(clause.report, tuple) else ()):
        if isinstance(report, Report):
            yield ("report", index, "title"), report.title
            yield from ((("report", index, "field", at, "label"), one.label) for at, one in enumerate(report.field))
            yield from ((("report", index, "approval", at, "text"), one.text) for at, one in enumerate(report.approval))


def _untranslated(words: Words) -> Iterator[tuple[str, str]]:
    if words == UNSAID:
        return
    if not _HAN.search(words.zh):
        yield "zh", f"no Chinese in {words.zh!r}"
    if _HAN.search(words.en):
        yield "en", f"Chinese in the English text {words.en!r}"


def no_way_to(site: Site) -> Iterator[Found]:
    """People whom no configured channel reaches, and channels that there are not."""
    if site.contacts is None or site.notify is None:
        return
    channels = {f"webhook:{name}" for name in site.notify.webhook}
    channels |= {"email"} if site.notify.email else set()
    for index, person in enumerate(site.contacts.person):
        if person.webhook and person.webhook not in site.notify.webhook:
            what = f"{person.id}: the gateway has no webhook {person.webhook!r}"
            hint = did_you_mean(person.webhook, site.notify.webhook) if site.notify.webhook else ""
            hint = hint or f"write [notify.webhook.{person.webhook}] in the gateway's settings"
            yield Found(site.contacts_file, ("person", index, "webhook"), what, hint, Grade.ERROR)
        elif not any(channel in channels for channel, _ in addresses(person)):
            what = f"{person.id} has only e-mail, and the gateway has no mail server"
            yield Found(site.contacts_file, ("person", index, "email"), what, "write [notify.email]", Grade.ERROR)


def one_channel(site: Site) -> Iterator[Found]:
    """Ladders that wake people, all of whom are reached by one channel only."""
    people = {person.id: person for person in site.contacts.person} if site.contacts else {}
    for placed in site.clauses if people else ():
        fills = [
            site.departments[rung.department].person(rung.role)
            for _, rung in placed.rungs()
            if rung.department in site.departments
        ]
        ways = {channel for name in fills if name in people for channel, _ in addresses(people[name])}
        if placed.pages_at_night and len(ways) == 1:
            what = f"all of its people are reached by {min(ways)} only: when that is down, nobody is told"
            yield placed.found(("escalation", "rung"), what, "give one of them a second channel")


def odd_preference(site: Site) -> Iterator[Found]:
    """People who prefer a channel that they do not have."""
    for index, person in enumerate(site.contacts.person if site.contacts else ()):
        if person.prefer == "email" and not person.email:
            what = f"{person.id} prefers e-mail, and has no address"
            yield Found(site.contacts_file, ("person", index, "prefer"), what, "write email, or leave prefer out")


def shared_address(site: Site) -> Iterator[Found]:
    """People who share an address: one who is told is not the other."""
    seen: dict[str, str] = {}
    for index, person in enumerate(site.contacts.person if site.contacts else ()):
        address = (person.email or "").casefold()
        if address and address in seen:
            what = f"{person.id} has the address of {seen[address]}: on a ladder, they are one person"
            yield Found(site.contacts_file, ("person", index, "email"), what, "give each an address of their own")
        seen.setdefault(address, person.id)


def on_call_twice(site: Site) -> Iterator[Found]:
    """People who are called first and second."""
    for index, department in enumerate(site.contacts.department if site.contacts else ()):
        for name, count in Counter(department.on_call).items():
            if count > 1:
                what = f"{department.key}: {name} is on call {count} times"
                yield Found(site.contacts_file, ("department", index, "on_call"), what, "name somebody else")


def unused_department(site: Site) -> Iterator[Found]:
    """Departments that no clause names."""
    if not site.whole or not site.clauses:
        return
    named = {name for placed in site.clauses for name in placed.clause.departments}
    named |= {rung.department for placed in site.clauses for _, rung in placed.rungs()}
    named |= {step.owner for placed in site.clauses for _, step in placed.steps}
    named |= {load.by for placed in site.clauses for one in placed.clause.shedding for load in one.load}
    for index, department in enumerate(site.contacts.department if site.contacts else ()):
        if department.key not in named:
            what = f"no clause names the department {department.key!r}"
            yield Found(site.contacts_file, ("department", index, "key"), what, "is its clause missing?", Grade.NOTE)


def unused_person(site: Site) -> Iterator[Found]:
    """People whom nothing tells."""
    if site.contacts is None:
        return
    named = {name for one in site.contacts.department for name in one.people}
    named |= set(site.contacts.digest.people)
    for index, person in enumerate(site.contacts.person):
        if person.id not in named:
            what = f"{person.id} is in no department, and gets no digest: nothing tells them"
            yield Found(site.contacts_file, ("person", index, "id"), what, "add them to an on_call", Grade.WARNING)


def no_digest(site: Site) -> Iterator[Found]:
    """Nobody gets the message of the day: the channels are tried by nothing but alarms."""
    if site.contacts is None or site.contacts.digest.people:
        return
    waits = any(trigger.wake is Wake.DIGEST for _, _, trigger in site.triggers())
    what = "nobody gets the message of the day" + (", and triggers wait for it" if waits else "")
    hint = 'write [digest] people = ["…"]: it tries the channels before an alarm needs them'
    yield Found(site.contacts_file, ("digest", "people"), what, hint)


def example_address(site: Site) -> Iterator[Found]:
    """Addresses of the example files, which reach nobody."""
    people = site.contacts.person if site.contacts else ()
    places = [index for index, person in enumerate(people) if _EXAMPLE.search(person.email or "")]
    if places:
        what = f"{len(places)} people have an address of the example files, which reaches nobody"
        yield Found(site.contacts_file, ("person", places[0], "email"), what, "write their own", Grade.NOTE)


def unused_webhook(site: Site) -> Iterator[Found]:
    """Webhooks that nobody has."""
    if site.notify is None or site.contacts is None:
        return
    named = {person.webhook for person in site.contacts.person}
    named |= {hook.name for placed in site.clauses for hook in placed.clause.webhook}
    for name in site.notify.webhook:
        if name not in named:
            what = f"nobody has the webhook {name!r}"
            yield Found(
                site.config_file,
                ("notify", "webhook", name),
                what,
                f'write webhook = "{name}" at a person, or name it in a clause',
            )


def in_the_clear(site: Site) -> Iterator[Found]:
    """Messages and passwords that travel unencrypted."""
    if site.notify is None:
        return
    mail = site.notify.email
    if mail and mail.user and mail.tls == "none" and mail.host not in _HERE:
        what = f"the password of {mail.user} travels in the clear"
        yield Found(site.config_file, ("notify", "email", "tls"), what, 'write tls = "starttls"')
    for name, webhook in site.notify.webhook.items():
        url = urlsplit(webhook.url)
        if url.scheme == "http" and url.hostname not in _HERE:
            what = f"the webhook {name!r} is told in the clear"
            yield Found(site.config_file, ("notify", "webhook", name, "url"), what, 'write "https://…"')


def weak_secret(site: Site) -> Iterator[Found]:
    """Secrets that can be guessed; those that could not be looked at are passed over."""
    for name, webhook in site.notify.webhook.items() if site.notify else ():
        if 0 < len(webhook.secret.reveal()) < _SECRET:
            what = f"the secret of the webhook {name!r} has fewer than {_SECRET} characters"
            yield Found(site.config_file, ("notify", "webhook", name, "secret"), what, "make one: openssl rand -hex 32")


def no_links(site: Site) -> Iterator[Found]:
    """Messages without a link: people can answer at a terminal only."""
    if site.config_file and not site.links:
        what = "messages hold no link: people can answer at the gateway's terminal only"
        hint = 'write public_url = "https://…"'
        yield Found(site.config_file, ("gateway",), what, hint, Grade.NOTE)
