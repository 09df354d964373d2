"""A tool for a real agentlego-server: `agentlego-server start Calculator Mirror --extra mirror.py`."""
from agentlego.tools import BaseTool
from agentlego.types import Annotated, ImageIO, Info
from PIL import ImageOps


class Mirror(BaseTool):
    default_desc = "Mirrors a picture from left to right."

    def apply(
        self,
        image: ImageIO,
        times: Annotated[int, Info("How often")] = 1,
    ) -> ImageIO:
        picture = image.to_pil()
        for _ in range(times):
            picture = ImageOps.mirror(picture)
        return ImageIO(picture)
