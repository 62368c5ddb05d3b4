"""The least that FastAPI and Mangum can be: one route that reads its body and answers."""

from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel


class Asked(BaseModel):
    features: dict[str, float | str]


class Answer(BaseModel):
    prediction: str


app = FastAPI()


@app.post("/predict/{model}")
def predict(model: str, asked: Asked) -> Answer:
    return Answer(prediction=f"{model}: {len(asked.features)}")


handler = Mangum(app, lifespan="off")
