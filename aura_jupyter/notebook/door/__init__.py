"""The kernel's door to other programs: requests on the control channel, events, and the hub of notebook pages."""
