// Made by `make chapters` from the chapters, curriculum.yml and routes.yml: change those, not this file.
window.DESCENT_COURSE = {
"chapters": [],
"sections": [],
"routes": [],
"cards": [],
"predictions": [],
"written": []
};
