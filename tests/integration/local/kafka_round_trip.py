"""What a client of any broker does: send, and read from the beginning."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


async def send(bootstrap_servers: str, *, topic: str, messages: list[bytes]) -> None:
    """Send every message to partition 0, idempotently, each acknowledged by all replicas."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for message in messages:
            await producer.send_and_wait(topic, message, partition=0)
    finally:
        await producer.stop()


async def read(bootstrap_servers: str, *, topic: str, count: int, within_s: float = 30.0) -> list[bytes]:
    """Return the first ``count`` messages of partition 0."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        async with asyncio.timeout(within_s):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def end_offset(bootstrap_servers: str, *, topic: str) -> int:
    """Return how many messages partition 0 has ever held; a topic not there yet is made."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        return int((await consumer.end_offsets([partition]))[partition])
    finally:
        await consumer.stop()
