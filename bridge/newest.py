"""The newest of what is remembered in memory, so that years of it stay bounded."""


def note_newest[K, V](kept: dict[K, V], key: K, value: V, most: int) -> None:
    """``key`` is the newest from now on; of others the oldest are forgotten beyond ``most``."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
