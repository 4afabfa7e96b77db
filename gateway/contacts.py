"""Who can be told, and who is on call: ``contacts.toml``. Pure: text in, contacts out."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from contract.errors import IncidentError
from contract.settings import BAD, Fault, Slug, did_you_mean, load
from gateway.authorisation import Authorisation, unknown_people
from gateway.outside import Outside
from gateway.plan.model import Filled, Role, Words
from gateway.worktime.days import Days
from gateway.worktime.hours import Hours, WorkTime

_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
Language = Annotated[str, msgspec.Meta(pattern=r"^(zh|en)$")]


def is_address(text: str) -> bool:
    """Say whether a text is an e-mail address that every mail server takes: ASCII, unquoted (RFC 5321, 4.1.2)."""
    return _ADDRESS.fullmatch(text) is not None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be told. ``webhook`` names a ``[notify.webhook.<name>]`` of the gateway's settings."""

    id: Slug
    name: Filled
    email: str | None = None
    webhook: Slug | None = None
    prefer: Annotated[str, msgspec.Meta(pattern=r"^(email|webhook)$")] = "webhook"
    """The channel that is tried first."""
    language: Language = "zh"

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the person as a whole."""
        if draft.email is None and draft.webhook is None:
            yield Fault("cannot be told by any channel", "write email or webhook")
        if isinstance(draft.email, str) and not is_address(draft.email):
            hint = 'write "li@example.com": one address, in ASCII letters'
            yield Fault(f"{draft.email!r} is no address that every mail server takes", hint, ("email",))


class Department(msgspec.Struct, frozen=True, kw_only=True):
    """A department of the plan, and its people in the order in which they are called."""

    key: Slug
    title: Words
    on_call: tuple[Slug, ...] = ()
    head: Slug | None = None
    deputies: tuple[Slug, ...] = ()
    """Who may act for the head; those of the command group are deputy commanders of a headquarters."""
    roles: dict[Slug, Slug] = {}
    """Other roles that the plan names, such as ``deputy-manager``, and who has each."""

    def holder(self, role: str) -> str:
        """Return who has a role, by its name; an empty text when nobody has. Nobody stands in for anybody."""
        match role:
            case Role.ON_CALL:
                return next(iter(self.on_call), "")
            case Role.SECOND:
                return next(iter(self.on_call[1:]), "")
            case Role.HEAD:
                return self.head or ""
            case _:
                return self.roles.get(role, "")

    @property
    def people(self) -> tuple[str, ...]:
        """All of it, each once."""
        head = [self.head] if self.head else []
        return tuple(dict.fromkeys([*self.on_call, *head, *self.deputies, *self.roles.values()]))

    def person(self, role: Role) -> str:
        """Return who fills a role now; an empty text when nobody does."""
        order = self.on_call
        head = self.head or ""
        match role:
            case Role.ON_CALL:
                return order[0] if order else head
            case Role.SECOND:
                return order[1] if len(order) > 1 else head
            case Role.HEAD:
                return head or (order[0] if order else "")


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What is different at one site."""

    hours: Hours


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """The message of the day, at ``hours.digest``: what is fine, what is not, what is open."""

    people: tuple[Slug, ...] = ()
    """Who gets it, by each of their channels; nobody: there is none."""


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    """The whole directory."""

    person: tuple[Person, ...]
    department: tuple[Department, ...]
    hours: Hours = Hours()
    site: dict[Slug, Site] = {}
    """Sites with hours or a time zone of their own, by their names on the wire."""
    digest: Digest = Digest()
    contact: tuple[Outside, ...] = ()
    """People outside, whom those on the scene telephone."""

    authorisation: tuple[Authorisation, ...] = ()
    """Who commands while head or deputy is away."""

    def outside(self, clause: str, device: str = "") -> tuple[Outside, ...]:
        """Return whom to telephone outside, for a clause and a device."""
        return tuple(one for one in self.contact if one.concerns(clause, device))

    def worktime(self, site: str, days: Days | None = None) -> WorkTime:
        """Return when people of a site work; ``days``: which days are, left out: by the notices."""
        of = self.site.get(site)
        return WorkTime(of.hours if of else self.hours, days)

    @property
    def departments(self) -> dict[str, Department]:
        """Key → department."""
        return {department.key: department for department in self.department}

    def find(self, person: str) -> Person:
        """Return a person.

        Raises:
            IncidentError: nobody of this id.
        """
        for one in self.person:
            if one.id == person:
                return one
        known = [one.id for one in self.person]
        raise IncidentError(
            f"nobody here is called {person!r}",
            zh=f"通讯录里没有 {person!r}",
            hint=did_you_mean(person, known),
            hint_zh=f"通讯录里有：{'、'.join(known)}",
        )

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the directory as a whole."""
        people = draft.person if isinstance(draft.person, tuple) else ()
        known = [person.id for person in people if isinstance(getattr(person, "id", None), str)]
        for index, person in enumerate(people):
            name = getattr(person, "id", None)
            if isinstance(name, str) and name in known[:index]:
                yield Fault(f"a second person {name!r}", "give each an id of their own", ("person", index, "id"))
        keys: set[str] = set()
        for index, department in enumerate(draft.department if isinstance(draft.department, tuple) else ()):
            key, order, head = (getattr(department, name, BAD) for name in ("key", "on_call", "head"))
            if isinstance(key, str):
                if key in keys:
                    yield Fault(f"a second department {key!r}", "put the two together", ("department", index, "key"))
                keys.add(key)
            named = [("on_call", name) for name in (order if isinstance(order, tuple) else ())]
            named += [("head", head)] if isinstance(head, str) else []
            deputies = getattr(department, "deputies", BAD)
            named += [("deputies", name) for name in (deputies if isinstance(deputies, tuple) else ())]
            roles = getattr(department, "roles", BAD)
            named += [("roles", name) for name in roles.values()] if isinstance(roles, dict) else []
            for field, name in named:
                if isinstance(name, str) and name not in known:
                    yield Fault(f"no person {name!r}", did_you_mean(name, known), ("department", index, field))
            if order == () and head is None:
                yield Fault("nobody is there", 'write on_call = ["…"]', ("department", index))
        yield from unknown_people(draft.authorisation, known)
        listed = getattr(draft.digest, "people", ())
        for name in listed if isinstance(listed, tuple) else ():
            if isinstance(name, str) and name not in known:
                yield Fault(f"no person {name!r}", did_you_mean(name, known), ("digest", "people"))


def load_contacts(text: str, *, file: str = "contacts.toml") -> Contacts:
    """Return the contacts of a TOML text.

    Raises:
        ConfigError: with every problem of it.
    """
    return load(Contacts, text, file=file)
