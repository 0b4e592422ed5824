"""The one-machine stack: a real Kafka and a real Valkey on loopback, and the services under a supervisor."""
