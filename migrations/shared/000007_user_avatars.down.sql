-- Removes the avatars' records; the image files are not touched.
DROP TABLE shared.user_avatars;
