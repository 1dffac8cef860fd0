"""Stand-ins for every upstream and AI, speaking their real wire formats on loopback: for the demo, tests and load."""

from invest_sandbox.app import create_app
from invest_sandbox.faults import Fault, parse_fault
from invest_sandbox.server import Sandbox, main
from invest_sandbox.world import Former, World

__all__ = ["Fault", "Former", "Sandbox", "World", "create_app", "main", "parse_fault"]
