"""What of a login a session gets."""

import msgspec
import pytest

from bridge.protocol.login import copy_of

OWN = {
    "accessToken": "access",
    "refreshToken": "refresh",
    "expiresAt": 1_800_000_000_500,
    "scopes": ["user:inference"],
    "subscriptionType": "max",
    "somethingNew": "secret",
}


def whole(**more: object) -> bytes:
    return msgspec.json.encode({"claudeAiOauth": OWN, "mcpOAuth": {"srv": {"accessToken": "mcp"}}, **more})


def test_the_copy_has_the_access_token_and_nothing_that_could_renew_it() -> None:
    found = copy_of(whole(other="x"))
    assert found
    assert msgspec.json.decode(found.data) == {
        "claudeAiOauth": {
            "accessToken": "access",
            "expiresAt": 1_800_000_000_500,
            "scopes": ["user:inference"],
            "subscriptionType": "max",
        }
    }
    assert (found.expires_at, found.subscription) == (1_800_000_000.5, "max")


def test_logins_of_mcp_servers_come_along_only_when_they_are_named() -> None:
    with_them, without = copy_of(whole(), mcp_logins=True), copy_of(whole())
    assert with_them and b"mcpOAuth" in with_them.data
    assert without and b"mcpOAuth" not in without.data


def test_a_servers_login_comes_without_what_renews_it_or_is_another_secret() -> None:
    server = {
        "serverName": "s",
        "serverUrl": "https://s.example",
        "clientId": "c",
        "accessToken": "mcp",
        "expiresAt": 1,
    }
    secrets = {"refreshToken": "spent once", "clientSecret": "x", "somethingNew": "y"}
    stored = {"claudeAiOauth": OWN, "mcpOAuth": {"s|1": server | secrets, "half": {"refreshToken": "z"}, "odd": 3}}
    found = copy_of(msgspec.json.encode(stored), mcp_logins=True)
    assert found and msgspec.json.decode(found.data)["mcpOAuth"] == {"s|1": server}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", whole()[:40], b"[" * 100_000])
def test_half_of_a_file_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        copy_of(data)


@pytest.mark.parametrize("own", [None, 1, {}, {"accessToken": 1}, []])
def test_without_a_token_there_is_no_login(own: object) -> None:
    assert copy_of(msgspec.json.encode({"claudeAiOauth": own})) is None


@pytest.mark.parametrize("end", [None, "soon", True])
def test_an_end_that_is_no_time_is_none(end: object) -> None:
    found = copy_of(msgspec.json.encode({"claudeAiOauth": {"accessToken": "a", "expiresAt": end}}))
    assert found and found.expires_at == 0
