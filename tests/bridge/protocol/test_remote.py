"""What a remote's URL is written down as, and what is never pushed to."""

import pytest

from bridge.protocol.remote import local_path, protocols, recorded, without_secrets


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://github.com/ada/app.git", "https://github.com/ada/app.git"),
        ("https://ada@github.com/ada/app", "https://github.com/ada/app"),
        ("https://ada:hunter2@git.example:8443/app", "https://git.example:8443/app"),
        ("https://ghp_0123456789@github.com/ada/app", "https://github.com/ada/app"),
        ("HTTPS://github.com/ada/app", "https://github.com/ada/app"),
        ("ssh://git:hunter2@git.example:2222/app", "ssh://git@git.example:2222/app"),
        ("ssh://[::1]:22/app", "ssh://[::1]:22/app"),
        ("git://git.example/app", "git://git.example/app"),
        ("git@github.com:ada/app.git", "git@github.com:ada/app.git"),
        ("host:path/to/app", "host:path/to/app"),
        ("/srv/git/app.git", "/srv/git/app.git"),
        ("file:///srv/git/../git/app.git", "/srv/git/app.git"),
        ("../app.git", "/home/ada/app.git"),
        ("./a:b", "/home/ada/project/a:b"),
    ],
)
def test_a_url_is_kept_without_what_is_secret_in_it(url: str, kept: str) -> None:
    assert recorded(url, "/home/ada/project") == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c touch% /tmp/x",
        "ext::sh",
        "fd::7",
        "https::https://x/y",
        "--upload-pack=touch",
        "-oProxyCommand=touch:x",
        "ssh://-oProxyCommand=touch/x",
        "ssh://ada@-oProxyCommand=touch/x",
        "ssh://-l@host/x",
        "-x@host:path",
        "http://github.com/ada/app",
        "ftp://host/x",
        "file://host/srv/app",
        "https://github.com",
        "https:///app",
        "https://a b/c",
        "git@host:a\nb",
        "git@host:a\u202eb",
        "https://host/" + "x" * 600,
    ],
)
def test_what_runs_something_or_is_no_place_that_git_pushes_to_is_not_kept(url: str) -> None:
    assert recorded(url, "/home/ada/project") == ""


@pytest.mark.parametrize("url", ["/srv/git/app.git", "https://h/x", "ssh://git@h/x", "git@h:x", "git://h/x"])
def test_what_is_kept_is_kept_again_as_it_is(url: str) -> None:
    assert recorded(url, "/") == url


def test_only_a_path_is_reached_as_a_file_and_only_a_path_is() -> None:
    assert (local_path("/srv/app"), protocols("/srv/app")) == ("/srv/app", "file")
    assert (local_path("git@h:x"), protocols("git@h:x")) == ("", "https:ssh:git")


def test_what_git_says_loses_the_logins_in_its_urls() -> None:
    said = "fatal: unable to access 'https://ada:hunter2@h/x': see https://h/y or ssh://git@h/z"
    assert without_secrets(said) == "fatal: unable to access 'https://h/x': see https://h/y or ssh://h/z"
