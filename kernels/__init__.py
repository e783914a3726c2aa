"""The arithmetic of the engine: scalar functions on arrays, compiled by Numba.

A map of the folder, lowest layer first:

=================  ==================================================================
builtins           what kernels use of Python all the time, in few instructions
linking            compiling what kernels call as a part of them
choosing           calls whose targets follow from types, without a function of their own
dispatch           functions whose body is chosen by the type of a spec
noise              counter-based random numbers and the noise sources
contracts          what a synapse may see: the signals, and what each part declares
cells              what a neuron does with its drive
losses             the loss of one step and the difference of two losses
rules              what a perturbation is and how it becomes a learning signal
effects            what an effect is, where it acts, and the substrate with its chains
converters         effects on any number: rounding, limits, noise, mismatch
devices            effects on the weights of analog arrays
room               how far devices are from their limits, which are looked for where a write can reach one
twins              which array a copy runs on, and the mismatch that neurons learn to expect
arrays             rows of devices: read, written, aged
crossbar           reading arrays of devices, and the chains that numbers go through
vectors            the loop over the columns of a few rows of weights
decorrelation      the O(n^2) decorrelation of the hidden activity
number             what the numbers are: floating point, or integers of stated widths
layout             the arrays: weights, state, tags, scratch
passes             the passes over a weight matrix
synapses           the noise of weights
team               sharing the passes over the large matrices among threads
wide               rows of integers, many numbers at a time
integers           the passes and scalars of a network of integers
integer_parts      its noise, cell, loss and rules
writes             what learning and time do to arrays of devices
lockstep           one time step of all copies, forward and learning
contiguous         the type of arrays in compiled code: indices, shapes and arguments in few instructions
held               many values behind one address, to call compiled code with
faults             the line of a part of one's own that does not compile, and why
entry              the compiled entry points, cached on disk
=================  ==================================================================

Everything here is pure arithmetic; objects, validation and files live one folder up.
"""

if __name__ != "onlinernn.kernels":
    raise ImportError(
        f"the kernels were imported as {__name__!r}; import them as 'onlinernn.kernels' "
        "(a second import would register every part twice): install the project with `pip install -e .`"
    )
