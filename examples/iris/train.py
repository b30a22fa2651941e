"""Train a small classifier and save it with its bill."""

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import lading

flowers = load_iris()
model = LogisticRegression(max_iter=500).fit(flowers.data, flowers.target)
accuracy = float(model.score(flowers.data, flowers.target))
lading.save(model, "models/iris.joblib", example=flowers.data[:3], metrics={"accuracy": accuracy})
