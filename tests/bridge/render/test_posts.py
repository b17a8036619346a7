from bridge.discord_numbers import MessageFlag
from bridge.render.posts import Button, Choice, Embed, Post, Select, payload


def test_a_post_pings_exactly_the_people_that_it_names() -> None:
    body = payload(Post("@everyone <@1> <@&2> <@42>", mentions=(42,)))
    assert body["allowed_mentions"] == {"parse": [], "users": ["42"], "replied_user": False}
    assert payload(Post("@here"))["allowed_mentions"] == {"parse": [], "users": [], "replied_user": False}


def test_an_edit_says_everything_that_can_change_and_nothing_that_cannot() -> None:
    post = Post("x", reply_to=5, silent=True)
    assert payload(post)["flags"] == MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.SUPPRESS_EMBEDS
    assert payload(post)["message_reference"] == {"message_id": "5", "fail_if_not_exists": False}
    assert payload(post, editing=True).keys() == {"content", "embeds", "components", "allowed_mentions", "flags"}
    assert payload(post, editing=True)["flags"] == MessageFlag.SUPPRESS_EMBEDS
    assert payload(Post("x"), editing=True)["components"] == payload(Post("x"), editing=True)["embeds"] == []


def test_buttons_come_in_rows_of_five() -> None:
    buttons = tuple(Button(f"b{n}", f"id{n}", disabled=n == 6) for n in range(7))
    rows = payload(Post("x", buttons=buttons))["components"]
    assert isinstance(rows, list) and [len(row["components"]) for row in rows] == [5, 2]
    assert rows[0]["components"][0] == {"type": 2, "style": 2, "label": "b0", "custom_id": "id0"}
    assert rows[1]["components"][1]["disabled"]


def test_a_select_has_a_row_of_its_own() -> None:
    select = Select("pick", (Choice("a", "1"), Choice("b", "2", "second")), "Which?")
    rows = payload(Post("x", selects=(select,)))["components"]
    assert isinstance(rows, list) and len(rows) == 1
    assert rows[0]["components"][0] == {
        "type": 3,
        "custom_id": "pick",
        "placeholder": "Which?",
        "options": [{"label": "a", "value": "1"}, {"label": "b", "value": "2", "description": "second"}],
    }


def test_an_embed_says_only_what_it_has() -> None:
    assert payload(Post(embed=Embed(description="d")))["embeds"] == [{"description": "d"}]
    whole = payload(Post(embed=Embed("t", "d", "f", 255)))["embeds"]
    assert whole == [{"description": "d", "title": "t", "footer": {"text": "f"}, "color": 255}]


def test_links_of_an_answer_have_no_previews_and_an_embed_of_ours_is_shown() -> None:
    assert payload(Post("https://a.example"))["flags"] == MessageFlag.SUPPRESS_EMBEDS
    assert payload(Post("https://a.example"), editing=True)["flags"] == MessageFlag.SUPPRESS_EMBEDS
    card = Post("", embed=Embed("Run a command"))
    assert payload(card)["flags"] == 0 and payload(card, editing=True)["flags"] == 0
