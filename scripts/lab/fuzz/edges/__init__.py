"""All edges, by their names."""

from lab.fuzz.edge import Edge
from lab.fuzz.edges.answers import Answers
from lab.fuzz.edges.configuration import Configuration
from lab.fuzz.edges.frames import Frames
from lab.fuzz.edges.gateway import Payloads
from lab.fuzz.edges.interactions import Clicks
from lab.fuzz.edges.logs import Logs
from lab.fuzz.edges.rendering import Rendering
from lab.fuzz.edges.wire import Wire

EDGES: dict[str, Edge] = {
    edge.name: edge
    for edge in (Wire(), Frames(), Clicks(), Answers(), Payloads(), Configuration(), Logs(), Rendering())
}
