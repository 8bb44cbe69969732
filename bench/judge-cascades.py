"""Second opinion: which of the grey pictures on standard input show a face to OpenCV's cascades.

The only argument is the side of a square picture in pixels. One line is answered for each picture:
x,y,width,height of every find, separated by spaces.
"""

import sys

import cv2
import numpy

SIDE = int(sys.argv[1])
FOLDER = "/usr/share/opencv4/"
FRONTAL = [
    "haarcascades/haarcascade_frontalface_alt2.xml",
    "haarcascades/haarcascade_frontalface_default.xml",
    "lbpcascades/lbpcascade_frontalface_improved.xml",
]
PROFILE = "haarcascades/haarcascade_profileface.xml"

cv2.setNumThreads(1)
frontal = [cv2.CascadeClassifier(FOLDER + name) for name in FRONTAL]
profile = cv2.CascadeClassifier(FOLDER + PROFILE)
if profile.empty() or any(one.empty() for one in frontal):
    sys.exit("the cascades are not installed")


def finds(cascade, picture):
    return cascade.detectMultiScale(picture, 1.2, 3, minSize=(30, 30), maxSize=(140, 140))


while True:
    raw = sys.stdin.buffer.read(SIDE * SIDE)
    if len(raw) < SIDE * SIDE:
        break
    picture = cv2.equalizeHist(numpy.frombuffer(raw, numpy.uint8).reshape(SIDE, SIDE))
    found = [box for cascade in frontal for box in finds(cascade, picture)]
    found += list(finds(profile, picture))
    # It knows faces that look to the left only.
    found += [(SIDE - x - w, y, w, h) for x, y, w, h in finds(profile, cv2.flip(picture, 1))]
    print(" ".join(",".join(str(int(value)) for value in box) for box in found), flush=True)
