"""On a machine that restricts user namespaces the words say exactly what to do."""

from pathlib import Path

import pytest

from worker.walls.remedy import in_words


def machine(folder: Path, **files: str) -> Path:
    names = {
        "apparmor": "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "clone": "proc/sys/kernel/unprivileged_userns_clone",
        "most": "proc/sys/user/max_user_namespaces",
        "release": "etc/os-release",
    }
    for name, text in files.items():
        (path := folder / names[name]).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"', "apt install bubblewrap"),
        ('NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install bubblewrap"),
        ("ID=artix\nID_LIKE=arch", "pacman -S bubblewrap"),
        ('ID="opensuse-leap"', "zypper install bubblewrap"),
        ("ID=somethingelse", "with your distribution's own command"),
        ("", "with your distribution's own command"),
    ],
)
def test_what_is_missing_is_installed_as_the_distribution_does_it(tmp_path: Path, release: str, command: str) -> None:
    assert command in in_words("", machine(tmp_path, release=release))


def test_ubuntus_apparmor_is_named_with_the_profile_that_helps(tmp_path: Path) -> None:
    words = in_words("/usr/bin/bwrap", machine(tmp_path, apparmor="1", clone="1", most="1000"))
    assert "profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }" in words
    assert "apparmor_parser -r /etc/apparmor.d/bwrap" in words
    assert "unprivileged_userns_clone" not in words and "max_user_namespaces" not in words


def test_each_switch_that_is_against_it_is_named_with_its_command(tmp_path: Path) -> None:
    words = in_words("/usr/bin/bwrap", machine(tmp_path, clone="0", most="0"))
    assert "sysctl -w kernel.unprivileged_userns_clone=1" in words
    assert "sysctl -w user.max_user_namespaces=15000" in words
    assert "AppArmor" not in words


def test_where_no_switch_is_against_it_units_and_containers_are_named(tmp_path: Path) -> None:
    words = in_words("/usr/bin/bwrap", machine(tmp_path, most="63000"))
    assert "In a systemd unit" in words and 'containment = "none"' in words
