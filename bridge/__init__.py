"""What both processes agree on. Pure: values in, values out; no I/O, no clock, no state of the machine."""
