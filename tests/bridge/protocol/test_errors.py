from bridge.protocol.errors import UserError, first_of


def test_the_first_error_is_found_in_however_many_groups() -> None:
    first, second = UserError("the token is refused"), UserError("no room")
    assert first_of(ExceptionGroup("a", [ExceptionGroup("b", [ExceptionGroup("c", [first])]), second])) is first
    assert first_of(ExceptionGroup("a", [second, ExceptionGroup("b", [first])])) is second
