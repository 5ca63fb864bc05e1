"""Layers: which pixels each attribute value draws, and which lies on top, counted from finished images alone.

Pictures of a collection are often put together from parts, one for each trait, that lie on each other in one order.
Where that is so, counting gives the parts back, in seconds and from a few images of each; where it is not, counting
says how little it knows, pixel by pixel. A network begins with what is counted here (`noisette.networks.layers`).
"""
