from gateway import links

SECRET = b"0123456789abcdef"


def test_a_token_names_its_person():
    assert links.check(SECRET, "A17", links.make(SECRET, "A17", "li")) == "li"


def test_a_token_opens_nothing_else():
    token = links.make(SECRET, "A17", "li")
    assert links.check(SECRET, "A18", token) is None
    assert links.check(b"another secret", "A17", token) is None
    assert links.check(SECRET, "A17", token.replace("li.", "wang.")) is None
    for foreign in ("", ".", "li", "li.", token[:-1], token + "A", "李." + token.partition(".")[2], "li.\udcff"):
        assert links.check(SECRET, "A17", foreign) is None


def test_there_is_no_link_without_a_public_url():
    assert links.url("", SECRET, "A17", "li") == ""
    link = links.url("https://example.com/wolf/", SECRET, "A17", "li")
    assert link.startswith("https://example.com/wolf/i/A17/li.")
