"""The contract: what all processes of realname agree on. No web, no ML, no brokers."""
