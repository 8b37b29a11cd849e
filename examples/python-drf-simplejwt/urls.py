from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView


class Orders(APIView):
    required_scope = "orders:read"

    def get(self, request):
        return Response({"sub": request.user.id, "scope": request.auth["scope"]}, headers={"Cache-Control": "no-store"})


urlpatterns = [path("orders", Orders.as_view())]
