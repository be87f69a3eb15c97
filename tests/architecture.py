"""The architecture: the way imports point, as tables, and a checker that holds a file to them.

    handler, __main__ → wiring → use cases → adapters ────────────→ domain
                               → slack ────→ adapters/slack_web ──→ domain

Each message says what to do. To change a rule, change its table and write the reason into docs/decisions.md.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LAYER_OF = {
    "handler": "entry point",
    "router.__main__": "entry point",
    "router.arguments": "entry point",
    "router.help": "entry point",
    "router.invocation": "entry point",
    "router.command": "entry point",
    "router.sheets": "entry point",
    "router.terminal": "output",
    "router.wiring": "wiring",
    "router.worker": "wiring",
    "router.receive": "use case",
    "router.alerting": "use case",
    "router.answer": "use case",
    "router.budgets": "use case",
    "router.calling": "use case",
    "router.replying": "use case",
    "router.reserving": "use case",
    "router.reading": "use case",
    "router.stopping": "use case",
    "router.presses": "use case",
    "router.changes": "use case",
    "router.slash_command": "use case",
    "router.home": "use case",
    "router.channel_settings": "use case",
    "router.dispatch": "use case",
    "router.report": "use case",
    "router.explain": "use case",
    "router.simulate": "use case",
    "router.reconcile": "use case",
    "router.digest": "use case",
    "router.verify": "use case",
    "router.check": "use case",
    "router.stack_check": "use case",
    "router.output": "output",
    "router.slack": "slack",
    "router.adapters.slack_web": "slack's wire",
    "router.adapters": "adapter",
    "router.config": "foundation",
    "router.remedies": "foundation",
    "router.settings": "foundation",
    "router.delivered": "foundation",
    "router.journal": "foundation",
    "router.domain": "domain",
    "router.errors": "errors",
    "router": "story",
}
"""Which layer a module is in; a package speaks for all in it that have no line of their own."""

INWARD = {"foundation", "domain", "errors"}
MAY_IMPORT = {
    "entry point": {"entry point", "wiring", "use case", "output", "slack", "slack's wire", "adapter"}
    | INWARD,
    "wiring": {"wiring", "use case", "slack", "slack's wire", "adapter"} | INWARD,
    "use case": {"use case", "slack", "slack's wire", "adapter"} | INWARD,
    "output": {"output"} | INWARD,
    "slack": {"slack", "slack's wire"} | INWARD,
    "slack's wire": {"adapter"} | INWARD,
    "adapter": {"adapter"} | INWARD,
    "foundation": INWARD,
    "domain": {"domain", "errors"},
    "errors": set[str](),
    "story": set[str](),
}
"""What a layer may import. A use case is handed its adapters and Slack's parts; only wiring makes them."""

MAY_NAME_IN_TYPES = {"use case": {"slack"}, "slack": {"use case", "adapter"}}
"""What it may import besides under `if TYPE_CHECKING`: the shape of what wiring hands it."""

HOME_OF_SDK = {
    "boto3": {"router/adapters/table.py"},
    "botocore": {"router/adapters/table.py"},
    "httpx": {"router/adapters/openrouter.py", "router/adapters/slack_web.py"},
    "slack_bolt": {"router/slack/app.py"},
    "slack_sdk": {"router/slack/app.py"},
}
"""The only files that may import a library that is not Python's own."""

READS_ENVIRONMENT = {"router/settings.py"}
ENVIRONMENT = {"environ", "environb", "getenv", "putenv"}

OUTSIDE = {"playground", "bench", "tests"}
"""What is around Penny; she does not know that it exists."""

DOMAIN_MAY_USE = {
    *(
        "__future__",
        "typing",
        "types",
        "dataclasses",
        "enum",
        "collections",
        "functools",
        "itertools",
        "operator",
    ),
    *("decimal", "fractions", "math", "statistics", "bisect", "heapq"),
    *("datetime", "calendar", "zoneinfo"),
    *("hashlib", "hmac", "base64", "binascii", "zlib"),
    *("re", "string", "textwrap", "unicodedata", "html", "json", "urllib.parse"),
}
"""Python's own modules that compute and do nothing else: no clock, no chance, no files, no network."""

CLOCKS = {"now", "utcnow", "today"}
DOES_IO = {"open", "print", "input", "exec", "eval", "__import__"}

STANDARD_LIBRARY_ALONE = (
    *("router.receive", "router.adapters.queue", "router.adapters.secrets"),
    "router.arguments",
)
"""What runs before Slack's three seconds are over, and before help is shown: one SDK would cost more than all
the rest of a start."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module; `name` is what was taken out of it (empty: the module itself)."""

    module: str
    name: str
    line: int
    for_types: bool

    @property
    def target(self) -> str:
        """The module meant: `from router.adapters import table` means `router.adapters.table`."""
        packages = {"router", "router.adapters", "router.domain", "router.slack"}
        return f"{self.module}.{self.name}" if self.module in packages and self.name else self.module

    @property
    def root(self) -> str:
        """The outermost package."""
        return self.module.split(".")[0]


def module_at(path: str) -> str:
    """Name the module of a file, `router/adapters/table.py` → `router.adapters.table`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def layer_of(module: str) -> str:
    """Return the layer of a module of ours, or nothing when no table knows it."""
    name = module
    while name and name != "router":
        if name in LAYER_OF:
            return LAYER_OF[name]
        name = name.rpartition(".")[0]
    return LAYER_OF["router"] if module == "router" else ""


def imports_of(path: str, tree: ast.Module) -> Iterator[Import]:
    """Yield every import of a file, wherever in it, relative ones written out."""
    for_types = {id(node) for guard in ast.walk(tree) if _is_type_guard(guard) for node in ast.walk(guard)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno, id(node) in for_types)
        elif isinstance(node, ast.ImportFrom):
            module = _written_out(path, node)
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, id(node) in for_types)


def _is_type_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _written_out(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = Path(path).parts[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def violations(path: str, source: str) -> list[str]:
    """Return what is wrong with the file `path` (relative to the root), each with its line and its remedy."""
    tree = ast.parse(source)
    module = module_at(path)
    if not layer_of(module):
        return [f"{path}:1: is in no layer: put it where it belongs, or give it a line in LAYER_OF"]
    found = [
        *((i.line, text) for i in imports_of(path, tree) for text in _wrong_with(path, module, i)),
        *_environment_reads(path, tree),
        *_float_dollars(tree),
        *(_impurities(tree) if layer_of(module) == "domain" else ()),
    ]
    return [f"{path}:{line}: {text}" for line, text in sorted(found)]


def _wrong_with(path: str, module: str, found: Import) -> Iterator[str]:
    if found.root in {"router", "handler"}:
        yield from _wrong_with_ours(module, found)
    elif found.root in OUTSIDE:
        yield f"imports {found.module}: Penny does not know what is built around her; turn the import round"
    elif found.root in HOME_OF_SDK:
        if path not in HOME_OF_SDK[found.root]:
            homes = " or ".join(sorted(HOME_OF_SDK[found.root]))
            yield f"imports {found.root}: only {homes} may; add what you need there, in Penny's own words"
    elif found.root not in sys.stdlib_module_names:
        yield f"imports {found.root}: a new library needs a line in HOME_OF_SDK and in requirements.txt"
    elif layer_of(module) == "domain" and not {found.root, found.module} & DOMAIN_MAY_USE:
        yield f"imports {found.module}: the domain only computes; let the caller do it and pass the result"


def _wrong_with_ours(module: str, found: Import) -> Iterator[str]:
    layer, target = layer_of(module), layer_of(found.target) or layer_of(found.module)
    allowed = MAY_IMPORT[layer] | (MAY_NAME_IN_TYPES.get(layer, set()) if found.for_types else set())
    if target not in allowed:
        yield (
            f"a module of layer {layer!r} imports {found.target} ({target or 'in no layer'}): "
            f"move the code inward, or let wiring pass it in"
        )
    if found.name.startswith("_") and not found.name.startswith("__"):
        yield f"imports {found.name} from {found.module}: that is private to its file; give it a public name"


def _environment_reads(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if path in READS_ENVIRONMENT:
        return
    remedy = "only router/settings.py reads the environment; add a field to Settings"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
            yield node.lineno, f"uses {ast.unparse(node)}: {remedy}"
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            for name in ENVIRONMENT & {alias.name for alias in node.names}:
                yield node.lineno, f"imports os.{name}: {remedy}"


def _float_dollars(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                pass
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                pass
            case ast.FunctionDef(name=name, returns=ast.expr() as annotation):
                pass
            case _:
                continue
        if name.endswith("_usd") and re.search(r"\bfloat\b", ast.unparse(annotation)):
            yield node.lineno, f"{name} is a float: dollars are Decimal"


def _impurities(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                yield node.lineno, f"calls {name}(): the domain has no clock; take the time as an argument"
            case ast.Call(func=ast.Name(id=name)) if name in DOES_IO:
                yield node.lineno, f"calls {name}(): the domain does no input or output; return the value"


def our_files() -> list[str]:
    """List Penny's own source files, relative to the root."""
    files = [ROOT / "handler.py", *sorted((ROOT / "router").rglob("*.py"))]
    return [str(file.relative_to(ROOT)) for file in files if file.exists()]


def reached_from(module: str) -> set[str]:
    """Name every module that importing `module` loads, ours followed to the end."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name and name not in seen:
            seen.add(name)
            waiting += [name.rpartition(".")[0], *_imported_by(name)]
    return seen


def _imported_by(module: str) -> list[str]:
    file = file_of(module)
    if file is None:
        return []
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [i.target for i in imports_of(str(file.relative_to(ROOT)), tree) if not i.for_types]


def file_of(module: str) -> Path | None:
    """Return the file of a module of this repository, or nothing when it is none."""
    base = ROOT.joinpath(*module.split("."))
    return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.exists()), None)
