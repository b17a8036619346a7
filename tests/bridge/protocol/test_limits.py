"""Sizes as the configuration writes them, and as people read them."""

import pytest

from bridge.protocol import limits
from bridge.protocol.limits import Limits, bytes_of, in_words

GB = 1 << 30


@pytest.mark.parametrize(
    ("given", "bytes_"), [("0", 0), ("4G", 4 * GB), ("1.5g", GB * 3 // 2), ("512M", 512 << 20), (" 2GB ", 2 * GB)]
)
def test_a_size_is_read_as_the_kernel_counts(given: str, bytes_: int) -> None:
    assert bytes_of(given) == bytes_


def test_a_share_is_of_the_machines_memory_and_never_so_little_that_claude_could_not_start() -> None:
    assert bytes_of("50%", 16 * GB) == 8 * GB
    assert bytes_of("50%", GB) == GB


@pytest.mark.parametrize("given", ["much", "-1G", "4 apples", "50%", "G"])
def test_what_is_no_size_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=given):
        bytes_of(given)


@pytest.mark.parametrize("given", ["0%", "101%"])
def test_a_share_is_from_1_to_100(given: str) -> None:
    with pytest.raises(ValueError, match=given):
        bytes_of(given, GB)


def test_a_size_in_words_is_short() -> None:
    assert [in_words(n) for n in (4 * GB, GB * 3 // 2, 300 << 20, 17, 0)] == [
        "4 GB",
        "1.5 GB",
        "300 MB",
        "17 bytes",
        "0 bytes",
    ]


def test_whatever_is_said_names_the_limit_what_was_seen_and_the_key() -> None:
    most = Limits(memory_bytes=4 * GB, tasks=1000, stored_bytes=2 * GB)
    for said in (limits.ended_for_memory(5 * GB, most), limits.ended_a_tool("node", GB, 5 * GB, most)):
        assert "4 GB" in said and "5 GB" in said and "limits.memory" in said
    for said in (limits.kernel_ended_a_tool(most), limits.kernel_ended_claude(most)):
        assert "more than 4 GB" in said and "the kernel ended" in said and "limits.memory" in said
    said = limits.ended_for_tasks(2131, most)
    assert "2,131" in said and "1,000" in said and "limits.tasks" in said
    assert "at least 1,001" in limits.ended_for_tasks(1001, most, at_least=True)
    for said in (limits.stored_too_much(3 * GB, most), limits.no_room_for(GB, 3 * GB, most)):
        assert "3 GB" in said and "2 GB" in said and "limits.stored" in said
