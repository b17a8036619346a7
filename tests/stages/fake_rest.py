"""A REST that knows nobody."""


class _NoRest:
    async def member(self, _guild_id: int, _user_id: int) -> object | None:
        return None


NO_REST = _NoRest()
