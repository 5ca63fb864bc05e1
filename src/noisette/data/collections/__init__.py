"""Any folder of images as a data set: what lies in it is listed, read, understood, and told with all that is wrong."""
