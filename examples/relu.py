"""ReLU in plain Python: f(x) = max(0, x).

Run it as it is, or with numbers of your own: python relu.py 3 -7
"""

import sys


def relu(x):
    return max(0.0, x)


numbers = [float(a) for a in sys.argv[1:]] or [1.0, -10.0, 0.0, 15.0, -20.0]

for x in numbers:
    print(f"Applying ReLU on ({x}) gives {relu(x)}")
