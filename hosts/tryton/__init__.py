"""A real Tryton with the module activated: workflow by proteus, JSON-RPC from outside, the cron entry, faults."""
