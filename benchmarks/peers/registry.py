"""All peers, in the order of the report."""

from benchmarks.peers.consume_only import ConsumeOnly
from benchmarks.peers.iceberg.peer import Iceberg
from benchmarks.peers.peer import Peer
from benchmarks.peers.script.peer import Script
from benchmarks.peers.spark.peer import Spark
from benchmarks.peers.worker import Worker

PEERS: dict[str, Peer] = {peer.name: peer for peer in (ConsumeOnly(), Worker(), Script(), Spark(), Iceberg())}
