"""The whole pipeline under load, beside the same through the edge and beside the bare pool of SIP workers."""
