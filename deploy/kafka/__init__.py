"""What real Apache Kafka needs to run beside the exchange: its jars' coordinates and its settings."""
