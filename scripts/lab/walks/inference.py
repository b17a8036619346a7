"""What an expression stands for, as far as names, annotations and constructors tell: which class, which function.

It is read from the syntax trees, nothing is imported or run. What is annotated as a Protocol or a callable is only
that; who it is in truth says whoever hands it over (``lab.walks.arrows``). A class and what is made of it are one here.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]

type Function = ast.FunctionDef | ast.AsyncFunctionDef


class Thing(NamedTuple):
    """A class, a function or (``name`` is empty) a file of ours. A method is called ``Class.method``."""

    file: str
    name: str


class Scope(NamedTuple):
    """Where an expression stands: within which class and which of its functions, or in none (None)."""

    file: str
    owner: ast.ClassDef | None = None
    function: Function | None = None


@cache
def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(), file)


@cache
def walked(node: ast.AST) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(node))


def file_of(module: str) -> str:
    """Of a module of ours; empty for any other."""
    path = module.replace(".", "/")
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if (ROOT / file).is_file()), "")


@cache
def imported(file: str) -> dict[str, Thing]:
    """What of ours a file imports, by the names that it has there."""
    found: dict[str, Thing] = {}
    for node in walked(tree(file)):
        match node:
            case ast.Import(names=names):
                found |= {a.asname or a.name: Thing(file_of(a.name), "") for a in names if file_of(a.name)}
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    inner, outer = file_of(f"{module}.{alias.name}"), file_of(module)
                    thing = Thing(inner, "") if inner else Thing(outer, alias.name)
                    found |= {alias.asname or alias.name: thing} if thing.file else {}
            case _:
                pass
    return found


@cache
def defined(file: str) -> dict[str, ast.stmt]:
    """Classes, functions and type aliases of a file."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found: dict[str, ast.stmt] = {node.name: node for node in tree(file).body if isinstance(node, kinds)}
    return found | {node.name.id: node for node in tree(file).body if isinstance(node, ast.TypeAlias)}


def places(file: str) -> Iterator[tuple[ast.AST, Scope]]:
    """Each node of a file, with where it stands."""
    for outer in tree(file).body:
        inside = outer.body if isinstance(outer, ast.ClassDef) else [outer]
        for statement in inside:
            is_function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            owner = outer if isinstance(outer, ast.ClassDef) else None
            place = Scope(file, owner, statement if is_function else None)  # type: ignore[arg-type]
            yield from ((node, place) for node in walked(statement))


def inferred(node: ast.AST | None, at: Scope, seen: frozenset[object] = frozenset()) -> set[Thing]:
    """What an expression may stand for; nothing where nobody says it."""
    if node is None or (node, at.function) in seen:
        return set()
    seen |= {(node, at.function)}
    match node:
        case ast.Name(id="self") if at.owner:
            return {Thing(at.file, at.owner.name)}
        case ast.Name(id=name):
            return _of_name(name, at, seen)
        case ast.Attribute(value=value, attr=attr):
            return {found for thing in inferred(value, at, seen) for found in member(thing, attr, seen)}
        case ast.Call(func=function):
            return {found for thing in inferred(function, at, seen) for found in given_back(thing, seen)}
        case ast.Subscript(value=ast.Name(id="Callable")):
            return set()
        case ast.Lambda(body=body):
            return {found for inner in walked(body) if _names(inner) for found in inferred(inner, at, seen)}
        case ast.Constant(value=str(quoted)) if quoted.isidentifier():
            return _of_name(quoted, at, seen)
        case ast.Await(value=value) | ast.Starred(value=value) | ast.MatchClass(cls=value):
            return inferred(value, at, seen)
        case _:
            return {found for child in ast.iter_child_nodes(node) for found in inferred(child, at, seen)}


def _names(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _of_name(name: str, at: Scope, seen: frozenset[object]) -> set[Thing]:
    """A variable of the function, or what the file defines or imports."""
    if at.function and (values := bound(name, at.function)):
        return {found for value in values for found in inferred(value, at, seen)}
    if (node := defined(at.file).get(name)) is not None:
        return inferred(node.value, Scope(at.file), seen) if isinstance(node, ast.TypeAlias) else {Thing(at.file, name)}
    return _looked_up(imported(at.file)[name], seen) if name in imported(at.file) else set()


def _looked_up(thing: Thing, seen: frozenset[object]) -> set[Thing]:
    """A name that a file defines; by way of the package that hands it on."""
    if not thing.name or isinstance(defined(thing.file).get(thing.name), ast.ClassDef | ast.FunctionDef):
        return {thing}
    return _of_name(thing.name, Scope(thing.file), seen) or {thing}


@cache
def bound(name: str, function: Function) -> tuple[ast.AST, ...]:
    """All that a name of a function may be bound to, wherever in it."""
    return tuple(value for node in walked(function) for found, value in _bindings(node) if found == name)


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.arguments(posonlyargs=first, args=args, kwonlyargs=named):
            yield from ((arg.arg, arg.annotation) for arg in (*first, *args, *named) if arg.annotation)
        case ast.Assign(targets=targets, value=value):
            yield from (pair for target in targets for pair in _pairs(target, value))
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            yield from ((name, told) for told in (annotation, value) if told)
        case ast.NamedExpr(target=target, value=value) | ast.comprehension(target=target, iter=value):
            yield from _pairs(target, value)
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield from _pairs(target, value)
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            yield from _pairs(target, value)
        case ast.MatchAs(pattern=ast.pattern() as pattern, name=str(name)):
            yield name, pattern
        case _:
            pass


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for inner, its in zip(targets, values, strict=True):
                yield from _pairs(inner, its)
        case ast.Tuple(elts=targets), _:
            yield from (pair for inner in targets for pair in _pairs(inner, value))
        case _:
            pass


# --- members -------------------------------------------------------------------------------------------


def member(thing: Thing, attr: str, seen: frozenset[object] = frozenset()) -> set[Thing]:
    """What an attribute of a class (or of what is made of it), or of a file, stands for."""
    if not thing.name:
        return _of_name(attr, Scope(thing.file), seen)
    owner = defined(thing.file).get(thing.name)
    if not isinstance(owner, ast.ClassDef):
        return set()
    found = _own_member(Scope(thing.file, owner), attr, seen)
    bases = (base for expression in owner.bases for base in inferred(expression, Scope(thing.file), seen))
    return found or {inherited for base in bases for inherited in member(base, attr, seen)}


def _own_member(at: Scope, attr: str, seen: frozenset[object]) -> set[Thing]:
    assert at.owner
    for node in at.owner.body:
        match node:
            case (ast.FunctionDef() | ast.AsyncFunctionDef()) as method if method.name == attr:
                is_value = any(isinstance(one, ast.Name) and one.id == "property" for one in method.decorator_list)
                here = Scope(at.file, at.owner)
                return inferred(method.returns, here, seen) if is_value else {Thing(at.file, f"{at.owner.name}.{attr}")}
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if name == attr:
                return inferred(annotation, Scope(at.file), seen)
            case _:
                pass
    return {found for value, place in _set_on_self(at, attr) for found in inferred(value, place, seen)}


def _set_on_self(at: Scope, attr: str) -> Iterator[tuple[ast.AST, Scope]]:
    """Each value that a method gives to ``self.attr``, and where."""
    assert at.owner
    for method in at.owner.body:
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
            place = Scope(at.file, at.owner, method)
            yield from ((value, place) for node in walked(method) for value in _given_to_self(node, attr))


def _given_to_self(node: ast.AST, attr: str) -> Iterator[ast.AST]:
    match node:
        case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=told) if name == attr:
            yield told
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _paired(target, value, attr)
        case _:
            pass


def _paired(target: ast.expr, value: ast.expr, attr: str) -> Iterator[ast.AST]:
    match target, value:
        case ast.Attribute(value=ast.Name(id="self"), attr=name), _ if name == attr:
            yield value
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for inner, its in zip(targets, values, strict=True):
                yield from _paired(inner, its, attr)
        case _:
            pass


def given_back(thing: Thing, seen: frozenset[object] = frozenset()) -> set[Thing]:
    """What a call of it gives: of a class one of its kind, of a function what its annotation says."""
    owner_name, _, name = thing.name.rpartition(".")
    node = defined(thing.file).get(owner_name or name)
    owner = node if isinstance(node, ast.ClassDef) else None
    if owner and not owner_name:
        return {thing}
    functions = owner.body if owner else [node]
    for function in functions:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name == name:
            return inferred(function.returns, Scope(thing.file, owner), seen)
    return set()


def is_protocol(thing: Thing) -> bool:
    """A class that is one, or a method of such a class."""
    owner = defined(thing.file).get(thing.name.partition(".")[0])
    bases = owner.bases if isinstance(owner, ast.ClassDef) else []
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in bases)


@cache
def functions(file: str) -> frozenset[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in walked(tree(file)) if isinstance(node, kinds))


# --- calls ---------------------------------------------------------------------------------------------


@cache
def calls(file: str) -> tuple[tuple[ast.Call, Scope], ...]:
    return tuple((node, place) for node, place in places(file) if isinstance(node, ast.Call))


@cache
def called(file: str) -> frozenset[Thing]:
    """The functions and classes that a file calls, by where they are defined."""
    return frozenset(thing for node, place in calls(file) for thing in inferred(node.func, place))
