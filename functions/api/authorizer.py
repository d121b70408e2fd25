"""Says who calls: the API key's tenant, id and scopes, for API Gateway to hand to the function behind it."""

from qcos import wiring
from qcos.http.authorizer import authorizer

handler = authorizer(wiring.keys)
