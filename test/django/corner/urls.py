"""The paths that the packages' own documentation gives their views."""

from django.conf import settings
from django.urls import path

if settings.CORNER in ("simplejwt", "sliding"):
    from rest_framework_simplejwt import views

    obtain, refresh = {
        "simplejwt": (views.TokenObtainPairView, views.TokenRefreshView),
        "sliding": (views.TokenObtainSlidingView, views.TokenRefreshSlidingView),
    }[settings.CORNER]
    urlpatterns = [
        path("api/token/", obtain.as_view()),
        path("api/token/refresh/", refresh.as_view()),
        path("api/token/verify/", views.TokenVerifyView.as_view()),
        path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
    ]
else:
    from rest_framework_jwt import views

    urlpatterns = [
        path("api-token-auth/", views.obtain_jwt_token),
        path("api-token-refresh/", views.refresh_jwt_token),
        path("api-token-verify/", views.verify_jwt_token),
    ]
