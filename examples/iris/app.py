"""A program that uses the model; `lading ensure` has put it in its place and proven it."""

import lading

model = lading.load("iris")
print(f"iris says {model.predict([[5.1, 3.5, 1.4, 0.2]])[0]}")
