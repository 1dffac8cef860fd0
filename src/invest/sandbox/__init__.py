"""Stand-ins for every upstream and AI, speaking their real wire formats on loopback: for the demo, tests and load."""

from invest.sandbox.app import create_app
from invest.sandbox.faults import Fault, parse_fault
from invest.sandbox.server import Sandbox, main
from invest.sandbox.world.listings import Former
from invest.sandbox.world.world import World

__all__ = ["Fault", "Former", "Sandbox", "World", "create_app", "main", "parse_fault"]
