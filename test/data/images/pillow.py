"""Writes pillow.json: what Pillow makes of images that follow from a formula.

    python test/data/images/pillow.py > test/data/images/pillow.json

Resizes are done across first and then down, as Pillow up to 12 does them: 13 takes the other order for some sizes.
"""
import base64
import hashlib
import io
import json

import PIL
from PIL import Image


def image_of(height, width):
    """The same formula as imageOf in generated.ts."""
    data = bytearray()
    for y in range(height):
        for x in range(width):
            for c in range(3):
                data.append(((x * 5 * (c + 1) + y * 7 + ((x * x * 31 + y * y * 17 + c * 11) % 23) * 9) * 3) % 256)
    return Image.frombytes("RGB", (width, height), bytes(data))


def sha256(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def resized(image, width, height):
    across = image.resize((width, image.height), Image.BILINEAR)
    return across.resize((width, height), Image.BILINEAR)


def view(height, width, box, size, window, flip):
    top, left, h, w = box
    shown = resized(image_of(height, width).crop((left, top, left + w, top + h)), size[1], size[0])
    top, left, h, w = window
    shown = shown.crop((left, top, left + w, top + h))
    if flip:
        shown = shown.transpose(Image.FLIP_LEFT_RIGHT)
    return {"image": [height, width], "box": box, "size": size, "window": window, "flip": flip, "sha256": sha256(shown)}


def encoded(name, image, kind, **options):
    """A file as Pillow writes it, and the pixels that it reads from it."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    pixels = Image.open(io.BytesIO(out.getvalue())).convert("RGB")
    return {
        "name": name,
        "file": base64.b64encode(out.getvalue()).decode(),
        "height": pixels.height,
        "width": pixels.width,
        "sha256": sha256(pixels),
    }


photo = image_of(7, 11).resize((68, 42), Image.BICUBIC)
alpha = photo.convert("RGBA")
alpha.putalpha(Image.linear_gradient("L").resize(photo.size))
exif = Image.Exif()
exif[0x0112] = 6  # turned, which is ignored
print(
    json.dumps(
        {
            "pillow": PIL.__version__,
            "views": [
                view(37, 50, [0, 0, 37, 50], [16, 21], [1, 2, 12, 16], False),
                view(37, 50, [5, 7, 20, 30], [224, 224], [0, 0, 224, 224], True),
                view(37, 50, [36, 49, 1, 1], [3, 5], [0, 0, 3, 5], False),
                view(1, 400, [0, 0, 1, 400], [8, 3200], [0, 1500, 8, 7], True),
                view(90, 3, [10, 0, 77, 3], [9, 3], [0, 0, 9, 3], False),
                view(64, 64, [0, 0, 64, 64], [64, 64], [0, 0, 64, 64], True),
                view(300, 451, [17, 30, 280, 411], [224, 224], [0, 0, 224, 224], False),
            ],
            "files": [
                encoded("plain.jpg", photo, "JPEG", quality=90, subsampling=0),
                encoded("420.jpg", photo, "JPEG", quality=80, subsampling=2),
                encoded("422.jpg", photo, "JPEG", quality=80, subsampling=1),
                encoded("progressive.jpg", photo, "JPEG", progressive=True),
                encoded("gray.jpg", photo.convert("L"), "JPEG"),
                encoded("turned.jpg", photo, "JPEG", exif=exif),
                encoded("rgb.png", photo, "PNG"),
                encoded("alpha.png", alpha, "PNG"),
                encoded("gray.png", photo.convert("L"), "PNG"),
                encoded("gray_alpha.png", alpha.convert("LA"), "PNG"),
                encoded("palette.png", photo.quantize(40), "PNG"),
                encoded("bits.png", photo.convert("1"), "PNG"),
                encoded("image.bmp", photo.resize((20, 9)), "BMP"),
                encoded("lossy.webp", photo, "WEBP", quality=80),
                encoded("lossless.webp", photo, "WEBP", lossless=True),
                encoded("alpha.webp", alpha, "WEBP", quality=80),
                encoded("alpha.bmp", alpha.resize((20, 9)), "BMP"),
            ],
            # Read with one level off at most.
            "cmyk": encoded("cmyk.jpg", photo.convert("CMYK"), "JPEG"),
        },
        indent=1,
    )
)
