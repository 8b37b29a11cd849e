"""What a project of SimpleJWT has as a rule."""

from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework_simplejwt import views


@api_view()
@permission_classes([IsAuthenticated])
def me(request):
    return Response({"username": request.user.username})


urlpatterns = [
    path("api/token/", views.TokenObtainPairView.as_view()),
    path("api/token/refresh/", views.TokenRefreshView.as_view()),
    path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
    path("api/me/", me),
]
