from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication

from .models import Note


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "text"]


class Notes(generics.ListCreateAPIView):
    """The notes of whoever asks. The user comes from the database."""

    serializer_class = NoteSerializer

    def get_queryset(self):
        return Note.objects.filter(owner=self.request.user).order_by("id")

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)


class Me(APIView):
    def get(self, request):
        user = request.user
        return Response({"id": user.id, "username": user.username, "email": user.email})


class WhoAmI(APIView):
    """What the token alone says: no question to the database."""

    authentication_classes = [JWTStatelessUserAuthentication]

    def get(self, request):
        return Response({"id": request.user.id, "type": request.auth["token_type"]})
